// The float32 peak of a device: chains of fused multiply-adds, as many at a time as hide the
// latency of one, and no memory but a number at the end.
//
//   every work-item: CHAINS · 4 numbers x ← x · a + b, STEPS times: 2 · 4 · CHAINS · STEPS operations

// Vectors of four numbers that a work-item keeps at work.
#ifndef CHAINS
#define CHAINS 4
#endif

// Multiply-adds of each number.
#ifndef STEPS
#define STEPS 512
#endif

__kernel void multiply_add(__global float *out, const float a, const float b) {
  float4 x[CHAINS];
#pragma unroll
  for (int i = 0; i < CHAINS; ++i) {
    x[i] = (float4)(1.0f, 2.0f, 3.0f, 4.0f) * (float)(get_global_id(0) % 7 + i);
  }
  for (int step = 0; step < STEPS; ++step) {
#pragma unroll
    for (int i = 0; i < CHAINS; ++i) x[i] = fma(x[i], (float4)(a), (float4)(b));
  }
  float4 sum = x[0];
#pragma unroll
  for (int i = 1; i < CHAINS; ++i) sum += x[i];
  // Stored, so that the compiler keeps the work.
  out[get_global_id(0)] = sum.x + sum.y + sum.z + sum.w;
}
