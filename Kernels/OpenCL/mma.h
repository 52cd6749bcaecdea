// Products of 16-bit matrices on NVIDIA's tensor cores, compute capability 8.0 and newer.
//
// Two instructions of the PTX ISA ("Warp-level matrix instructions": ldmatrix, mma.m16n8k16). The 32
// work-items of a warp carry one out together and share its operands:
//   A  16 × 16, row by row; register r of lane l holds row l/4 + 8·(r%2), columns
//      l%4·2 + 8·(r/2) and the next, the first in the low half
//   B  16 × 8, column by column; register r of lane l holds column l/4, rows l%4·2 + 8·r and the next
//   D  16 × 8, float32; register r of lane l holds row l/4 + 8·(r/2), column l%4·2 + r%2
// A warp is 32 consecutive work-items of a work-group.
//
// With CKA_EMULATE_MMA both are plain OpenCL C, for devices that have neither: the lanes tell each
// other what they hold, so that a wrong layout gives wrong numbers here too.
#ifndef CKA_MMA_H
#define CKA_MMA_H

typedef struct {
  uint lane;
#ifdef CKA_EMULATE_MMA
  __local uint *exchange;  // WARP_EXCHANGE words of the warp's own
#endif
} Warp;

#ifdef CKA_EMULATE_MMA

#define WARP_EXCHANGE (32 * 6)
// Loops with barriers in them stay loops.
#define UNROLL

static inline float half_of(const uint pair, const uint index) {
  const ushort bits = (ushort)(pair >> (16 * index));
#ifdef BFLOAT16
  return as_float((uint)bits << 16);
#else
  return vload_half(0, (const half *)&bits);
#endif
}

// Two numbers as float16, to the nearest, the first in the low half.
static inline uint pack_halves(const float first, const float second) {
  ushort bits[2];
  vstore_half_rte(first, 0, (half *)bits);
  vstore_half_rte(second, 1, (half *)bits);
  return (uint)bits[0] | (uint)bits[1] << 16;
}

static inline float2 unpack_halves(const uint pair) {
  const ushort bits[2] = {(ushort)pair, (ushort)(pair >> 16)};
  return vload_half2(0, (const half *)bits);
}

// Four 8 × 8 matrices. Lane l names row l%8 of matrix l/8 by its place in `memory`, and receives of
// each matrix row l/4, columns l%4·2 and the next.
static inline void load_matrices(
    const Warp warp, __local const uint4 *memory, const uint place, uint matrices[4]) {
  // Before any barrier of the emulation's own, which would hide that the caller's is missing.
  __local const uint *row = (__local const uint *)(memory + place);
  for (uint word = 0; word < 4; ++word) warp.exchange[warp.lane * 4 + word] = row[word];
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint m = 0; m < 4; ++m) {
    matrices[m] = warp.exchange[(m * 8 + warp.lane / 4) * 4 + warp.lane % 4];
  }
  barrier(CLK_LOCAL_MEM_FENCE);
}

// d ← d + A · B.
static inline void multiply_add(const Warp warp, float d[4], const uint a[4], const uint b[2]) {
  __local uint *own = warp.exchange + warp.lane * 6;
  for (uint r = 0; r < 4; ++r) own[r] = a[r];
  for (uint r = 0; r < 2; ++r) own[4 + r] = b[r];
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint r = 0; r < 4; ++r) {
    const uint row = warp.lane / 4 + r / 2 * 8;
    const uint column = warp.lane % 4 * 2 + r % 2;
    float sum = 0;
    for (uint k = 0; k < 16; ++k) {
      const uint left = warp.exchange[(row % 8 * 4 + k % 8 / 2) * 6 + row / 8 + k / 8 * 2];
      const uint right = warp.exchange[(column * 4 + k % 8 / 2) * 6 + 4 + k / 8];
      sum += half_of(left, k % 2) * half_of(right, k % 2);
    }
    d[r] += sum;
  }
  barrier(CLK_LOCAL_MEM_FENCE);
}

#else

#define UNROLL _Pragma("unroll")

static inline uint pack_halves(const float first, const float second) {
  uint pair;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(second), "f"(first));
  return pair;
}

static inline float2 unpack_halves(const uint pair) {
  float2 numbers;
  asm("{ .reg .b16 low, high;\n mov.b32 {low, high}, %2;\n"
      "  cvt.f32.f16 %0, low;\n cvt.f32.f16 %1, high; }"
      : "=f"(numbers.x), "=f"(numbers.y) : "r"(pair));
  return numbers;
}

static inline void load_matrices(
    const Warp warp, __local const uint4 *memory, const uint place, uint matrices[4]) {
  // A pointer to local memory is an address in shared memory, which has 32 bits. A compiler that made
  // it a generic one would be found out by the self-test.
  const uint address = (uint)(size_t)(memory + place);
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(matrices[0]), "=r"(matrices[1]), "=r"(matrices[2]), "=r"(matrices[3])
               : "r"(address) : "memory");
}

#ifdef BFLOAT16
#define MMA "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
#else
#define MMA "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
#endif

static inline void multiply_add(const Warp warp, float d[4], const uint a[4], const uint b[2]) {
  asm volatile(MMA "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

#endif
#endif
