#include "half.h"

#include <math.h>

// Each loop is compiled twice: for processors that convert eight numbers at once, and for all.
#if defined(__x86_64__)
#define VERSION __attribute__((target("avx2,f16c")))
#define HAS_VERSION (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c"))
#else
#define VERSION
#define HAS_VERSION 0
#endif

#define LOOPS(name, attribute)                                                                        \
  attribute static void narrow_##name(                                                                \
    const float *numbers, size_t count, float factor, _Float16 *halves) {                             \
    for (size_t i = 0; i < count; ++i) halves[i] = (_Float16)(numbers[i] * factor);                   \
  }                                                                                                   \
  attribute static void widen_##name(const _Float16 *halves, size_t count, float *numbers) {          \
    for (size_t i = 0; i < count; ++i) numbers[i] = (float)halves[i];                                 \
  }

LOOPS(plain, )
LOOPS(vector, VERSION)

float cka_largest_magnitude(const float *numbers, size_t count) {
  float lanes[16] = {0};
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    for (size_t lane = 0; lane < 16; ++lane) {
      float magnitude = fabsf(numbers[i + lane]);
      lanes[lane] = magnitude > lanes[lane] ? magnitude : lanes[lane];
    }
  }
  float largest = 0;
  for (size_t lane = 0; lane < 16; ++lane) largest = fmaxf(largest, lanes[lane]);
  for (; i < count; ++i) largest = fmaxf(largest, fabsf(numbers[i]));
  return largest;
}

void cka_narrow(const float *numbers, size_t count, float factor, uint16_t *halves) {
  (HAS_VERSION ? narrow_vector : narrow_plain)(numbers, count, factor, (_Float16 *)halves);
}

void cka_widen(const uint16_t *halves, size_t count, float *numbers) {
  (HAS_VERSION ? widen_vector : widen_plain)((const _Float16 *)halves, count, numbers);
}
