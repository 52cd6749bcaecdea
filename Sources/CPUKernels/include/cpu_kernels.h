// The inner loops of the CPU path: convert, center and pack features; Gram matrices of packed
// features; center and pack Gram matrices. One source (`kernels.inc`) is compiled for several
// instruction sets; `cka_cpu_kernels` picks the best one the processor has.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Pointers are never null but where marked.
#pragma clang assume_nonnull begin

// Scalar types that float32 holds exactly and that are read where they lie.
typedef enum {
  CKA_FLOAT32,
  CKA_FLOAT16,
  CKA_BFLOAT16,
} cka_native_type;

// What is known of the features of a slab.
typedef struct {
  // The largest |x_ij − x_0j|; 0 exactly when all features are constant. Meaningless where a sum is
  // not finite.
  float largest;
  // Whether all sums are finite. A false may be an overflow of finite values.
  bool finite;
} cka_slab_statistics;

// What is known of a Gram matrix before it is centered.
typedef struct {
  double squared_norm;  // over the entries that centering keeps
  double sum;           // over the entries that centering keeps
  double trace;
} cka_gram_statistics;

// One instruction set's kernels. Matrices are row-major; K is n × n of which only the lower
// triangle (j <= i) is read or written. `rows` are the addresses of the n examples, which need not
// be aligned.
typedef struct {
  const char *name;
  // Rows of a panel: packed features lie as [panel][feature][row of the panel], zeros below row n.
  size_t panel_rows;

  // shift[k] = an approximate mean of feature first + k, for k in 0 ..< count.
  cka_slab_statistics (*measure)(
    cka_native_type type, const void *_Nonnull const *_Nonnull rows, size_t n, size_t first, size_t count,
    float *shift);
  // out[i·stride + k] = (x_ik − shift[k]) · scale
  void (*center)(
    cka_native_type type, const void *_Nonnull const *_Nonnull rows, size_t n, size_t first, size_t count,
    const float *shift, float scale, float *out, size_t stride);
  // The same numbers as panels: ceil(n / panel_rows) · count · panel_rows numbers.
  void (*center_pack)(
    cka_native_type type, const void *_Nonnull const *_Nonnull rows, size_t n, size_t first, size_t count,
    const float *shift, float scale, float *panels);
  // K += X·Xᵀ for the n × count matrix X held in panels. K's rows are `stride` numbers apart;
  // ceil(n / panel_rows) · panel_rows rows and columns of K are there to be written.
  void (*accumulate)(const float *panels, size_t n, size_t count, float *k, size_t stride);

  // K_ij ← ‖x_i − x_j‖² = K_ii + K_jj − 2·K_ij for j < i; the diagonal stays. What is below the
  // rounding of its terms, 2^-22 (K_ii + K_jj), is zero, as for equal examples.
  void (*squared_distances)(float *k, size_t n, size_t stride);
  // K_ij ← exp(−K_ij·factor) for j < i and K_ii ← 1, or all less 1: centering does not tell them
  // apart, and values near 0 keep their digits in the one, values near 1 in the other.
  void (*exponentiate)(float *k, size_t n, size_t stride, float factor, bool less_one);
  // Row sums of the symmetric matrix, without its diagonal where `hollow`.
  cka_gram_statistics (*row_sums)(
    const float *k, size_t n, size_t stride, bool hollow, double *sums);
  // out = the packed triangle of (K_ij − m_i − m_j)·scale, off the diagonal times √2, without the
  // diagonal where `hollow`. Returns its squared norm.
  void (*center_triangle)(
    const float *k, size_t n, size_t stride, bool hollow, const double *m, double scale,
    float *out);
} cka_cpu_kernels_table;

// How many instruction sets this processor can run; 0 is the best.
size_t cka_cpu_kernels_count(void);

// The kernels of one of them; `index` < cka_cpu_kernels_count().
const cka_cpu_kernels_table *cka_cpu_kernels(size_t index);

// The order statistic `rank` (from 0) of the entries j < i of K, which are not negative: exact, by
// radix selection on their bits.
float cka_select(const float *k, size_t n, size_t stride, uint64_t rank);

#pragma clang assume_nonnull end
