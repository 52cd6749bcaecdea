// float16 numbers of matrices that are kept on disk.
#pragma once

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// The largest magnitude of `count` numbers, none of which is NaN.
float cka_largest_magnitude(const float *numbers, size_t count);

// halves[i] = numbers[i] · factor, rounded to nearest, ties to even; `factor` is a power of two.
void cka_narrow(const float *numbers, size_t count, float factor, uint16_t *halves);

// numbers[i] = halves[i], exactly.
void cka_widen(const uint16_t *halves, size_t count, float *numbers);

#pragma clang assume_nonnull end
