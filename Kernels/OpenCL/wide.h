// Sums that are wider than float32, shared by center.cl, pairs.cl, entries.cl and cross.cl.
//
// `wide` is float64 where the device has it (USE_FLOAT64), else an unevaluated sum of two float32,
// x + y with |y| ≤ half a unit in the last place of x: about 48 bits. Both take 8 bytes.
// Source of the additions: Knuth, The Art of Computer Programming 2, 4.2.2, theorem B.
#ifndef CKA_WIDE_H
#define CKA_WIDE_H

// A product and a sum contracted to one operation would make the rounding errors below wrong.
#pragma OPENCL FP_CONTRACT OFF

#ifdef USE_FLOAT64

#pragma OPENCL EXTENSION cl_khr_fp64 : enable
typedef double wide;

static inline wide wide_from(float a) { return a; }
static inline wide wide_add(wide a, wide b) { return a + b; }
static inline wide wide_subtract(wide a, wide b) { return a - b; }
static inline wide wide_divide(wide a, float b) { return a / b; }
static inline float wide_round(wide a) { return (float)a; }
static inline wide wide_square(float a) { return (double)a * a; }

#else

typedef float2 wide;

static inline wide wide_from(float a) { return (float2)(a, 0.0f); }

static inline wide wide_normalize(float high, float low) {
  const float sum = high + low;
  return (float2)(sum, low - (sum - high));
}

static inline wide wide_add(wide a, wide b) {
  const float sum = a.x + b.x;
  const float part = sum - a.x;
  const float error = (a.x - (sum - part)) + (b.x - part);
  return wide_normalize(sum, error + (a.y + b.y));
}

static inline wide wide_subtract(wide a, wide b) { return wide_add(a, -b); }

static inline wide wide_divide(wide a, float b) {
  const float quotient = a.x / b;
  const float remainder = fma(-quotient, b, a.x);
  return wide_normalize(quotient, (remainder + a.y) / b);
}

static inline float wide_round(wide a) { return a.x + a.y; }

static inline wide wide_square(float a) {
  const float square = a * a;
  return (float2)(square, fma(a, a, -square));
}

#endif
#endif
