// The CPU kernels of every instruction set, and the choice among them.
#include "cpu_kernels.h"

#include <string.h>

#define JOIN2(a, b) a##_##b
#define JOIN(a, b) JOIN2(a, b)
#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)
#define NAME(x) JOIN(x, SET)

#define SIZE_OF_float64 8
#define SIZE_OF_float32 4
#define SIZE_OF_float16 2
#define SIZE_OF_bfloat16 2
#define SIZE_OF_int32 4
#define SIZE_OF_uint32 4
#define SIZE_OF_int16 2
#define SIZE_OF_uint16 2
#define SIZE_OF_int8 1
#define SIZE_OF_uint8 1

// Vectors wider than a register are passed between functions of this file alone.
#pragma clang diagnostic ignored "-Wpsabi"

// Sums of products may be fused: it only lowers their rounding.
#pragma clang fp contract(fast)

#define VL 4
#define MR 4
#define HALF 0
#define SET baseline
#define INTERLEAVE_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define INTERLEAVE_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#include "kernels.inc"

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define VL 8
#define MR 6
#define HALF 1
#define SET avx2
#define INTERLEAVE_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define INTERLEAVE_HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#include "kernels.inc"
#pragma clang attribute pop

#pragma clang attribute push( \
  __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma,f16c"))), \
  apply_to = function)
#define VL 16
#define MR 8
#define HALF 1
#define SET avx512
#define INTERLEAVE_LOW(a, b) \
  __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define INTERLEAVE_HIGH(a, b) \
  __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#include "kernels.inc"
#pragma clang attribute pop

#endif

static size_t available(const cka_cpu_kernels_table *tables[3]) {
  size_t count = 0;
#if defined(__x86_64__)
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
    && __builtin_cpu_supports("f16c");
  if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")
      && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")) {
    tables[count++] = &table_avx512;
  }
  if (avx2) tables[count++] = &table_avx2;
#endif
  tables[count++] = &table_baseline;
  return count;
}

size_t cka_cpu_kernels_count(void) {
  const cka_cpu_kernels_table *tables[3];
  return available(tables);
}

const cka_cpu_kernels_table *cka_cpu_kernels(size_t index) {
  const cka_cpu_kernels_table *tables[3];
  return index < available(tables) ? tables[index] : &table_baseline;
}

void cka_histogram(
  const float *k, size_t first, size_t last, size_t columns, size_t stride, bool upper,
  uint32_t prefix, uint64_t *histogram
) {
  for (size_t i = first; i < last; i++) {
    const float *row = k + (i - first) * stride;
    size_t width = i < columns ? i : columns;
    for (size_t j = 0; j < width; j++) {
      uint32_t value;
      memcpy(&value, row + j, sizeof value);
      if (upper) {
        histogram[value >> 16]++;
      } else if (value >> 16 == prefix) {
        histogram[value & 0xffff]++;
      }
    }
  }
}
