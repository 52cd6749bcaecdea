// Features that float32 does not hold as they are stored: float64, integers, other byte orders and
// memory orders, means over positions. They are made differences from the first example first, in
// the stored type where it is an integer, so that large common offsets cost no digits.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

typedef enum {
  CKA_WIDE_FLOAT16,
  CKA_WIDE_BFLOAT16,
  CKA_WIDE_FLOAT8_E4M3,
  CKA_WIDE_FLOAT8_E5M2,
  CKA_WIDE_FLOAT32,
  CKA_WIDE_FLOAT64,
  CKA_WIDE_INT8,
  CKA_WIDE_INT16,
  CKA_WIDE_INT32,
  CKA_WIDE_INT64,
  CKA_WIDE_UINT8,
  CKA_WIDE_UINT16,
  CKA_WIDE_UINT32,
  CKA_WIDE_UINT64,
  CKA_WIDE_BOOL,
} cka_wide_type;

// Where the features of the examples are. Strides count numbers of the example's own order.
typedef struct {
  cka_wide_type type;
  bool swapped;                                // the other byte order
  const void *_Nonnull const *_Nonnull rows;   // where each example begins
  const size_t *feature_strides;               // bytes from a feature to the next, per example
  size_t channel_stride;                       // from a kept feature to the next
  size_t positions;                            // features averaged into one
  size_t position_stride;                      // from one of them to the next
} cka_wide_features;

// out[i·count + k] = the mean over positions of x_i − x_0, for the kept features first + k.
void cka_wide_differences(
  const cka_wide_features *features, size_t n, size_t first, size_t count, double *out);

// Takes the mean over the examples from every feature of `d` (n × count) and returns the largest
// magnitude left; `constant` tells whether all of `d` was zero. A result that is not finite tells
// of NaN or infinity.
double cka_wide_center(double *d, size_t n, size_t count, bool *constant);

#pragma clang assume_nonnull end
