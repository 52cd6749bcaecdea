// Products of bfloat16 features as they are stored, by the processor's own instruction: two features at a
// time, exact products, float32 sums. Twice as many products in the same time as of float32 numbers.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// Rows of a panel: pairs of features lie as [panel][pair][row of the panel], zeros below row n and in place of
// the partner of an odd feature.
enum { CKA_PAIR_ROWS = 32 };

typedef struct {
  float largest;  // the largest magnitude; not finite where one number is not
  bool varies;    // whether any feature has two different values
} cka_pair_statistics;

// Whether this processor has the instruction. Where it has not, the functions below must not be called.
bool cka_has_pairs(void);

// Σ mean² over Σ variance of some features, estimated from as many as 16 examples, spread evenly; infinite
// where only the means are not 0, and 0 where nothing is.
double cka_pair_offset(
  const void *_Nonnull const *_Nonnull rows, size_t n, size_t first, size_t count);

// Packs features first ..< first + count of n rows, which need not be aligned, as ceil(n / CKA_PAIR_ROWS)
// panels of ceil(count / 2) pairs.
cka_pair_statistics cka_pack_pairs(
  const void *_Nonnull const *_Nonnull rows, size_t n, size_t first, size_t count, uint32_t *panels);

// C += A·Bᵀ for a rows × 2·pairs matrix A and a columns × 2·pairs matrix B in panels. C's rows are `stride` numbers
// apart; whole panels of rows and columns are there to be written. `lower`: A is B, and only the lower triangle is
// needed. The terms of an entry are added in the order of the features, whatever its place in C.
void cka_multiply_pairs(
  const uint32_t *left, size_t rows, const uint32_t *right, size_t columns, size_t pairs, bool lower,
  float *c, size_t stride);

#pragma clang assume_nonnull end
