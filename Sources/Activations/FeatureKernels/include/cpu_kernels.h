// The inner loops of the CPU path: convert, center and pack features; Gram matrices of packed
// features; center and pack Gram matrices. One source (`kernels.inc`) is compiled for several
// instruction sets; `cka_cpu_kernels` picks the best one the processor has.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Pointers are never null but where marked.
#pragma clang assume_nonnull begin

// Scalar types that are read where they lie. Differences of the last three are made in float64.
typedef enum {
  CKA_FLOAT32,
  CKA_FLOAT16,
  CKA_BFLOAT16,
  CKA_INT8,
  CKA_INT16,
  CKA_UINT8,
  CKA_UINT16,
  CKA_FLOAT64,
  CKA_INT32,
  CKA_UINT32,
} cka_native_type;

// Examples that a feature's shift is the mean of, spread evenly. Any common shift is allowed; all
// that matters is that none of the data's offset is left.
enum { CKA_SAMPLES = 16 };

// What is known of some rows of a Gram matrix before it is centered.
typedef struct {
  double squared_norm;  // over the entries that centering keeps, (i, j) and (j, i)
  double trace;
} cka_gram_statistics;

// One instruction set's kernels. Matrices are row-major; of K, which is n × `columns`, only what lies
// on and below the diagonal is read or written, the entries j <= min(i, columns − 1) of row i, and of
// that the rows first ..< last; `k` is where row `first` is. With columns = n that is a triangle; a
// tile below the diagonal is the rows past the last column. Arrays of n numbers begin with those of the
// columns. `rows` are the addresses
// of the n examples, which need not be aligned.
typedef struct {
  const char *name;
  // Rows of a panel: packed features lie as [panel][feature][row of the panel], zeros below row n.
  size_t panel_rows;

  // shift[k] = the mean of feature first + k over CKA_SAMPLES examples, for k in 0 ..< count.
  void (*sample)(
    cka_native_type type, const void *_Nonnull const *_Nonnull rows, size_t n, size_t first, size_t count,
    double *shift);
  // out[i·stride + k] = (x_ik − shift[k]) · scale. Returns the largest magnitude written: 0 exactly
  // where all features are constant, not finite where one number is not.
  float (*center)(
    cka_native_type type, const void *_Nonnull const *_Nonnull rows, size_t n, size_t first, size_t count,
    const double *shift, double scale, float *out, size_t stride);
  // The same numbers as ceil(n / panel_rows) panels, `panel_stride` numbers from one to the next, of
  // which count · panel_rows are written.
  float (*pack)(
    cka_native_type type, const void *_Nonnull const *_Nonnull rows, size_t n, size_t first, size_t count,
    const double *shift, double scale, float *panels, size_t panel_stride);
  // means[k] += (x_ik − shift[k]) · weight, in float64, over all rows. Returns the largest magnitude of
  // a difference: 0 exactly where all are, not finite where one number is not.
  double (*add_differences)(
    cka_native_type type, const void *_Nonnull const *_Nonnull rows, size_t n, size_t first, size_t count,
    const double *shift, double weight, double *means);
  // squares[i] += Σ_k x_ik² and products[i] += Σ_k x_ik·v[k], in float64, for n × count numbers.
  void (*row_products)(
    const float *x, size_t n, size_t count, size_t stride, const double *v, double *squares,
    double *products);
  // products[i·vector_count + v] = Σ_k x_ik · vectors[v·count + k], in float64, for n × count numbers and
  // vector_count vectors, a multiple of four. The terms of a sum are added in the same order whatever n is.
  void (*wide_products)(
    const float *x, size_t n, size_t count, const double *vectors, size_t vector_count,
    double *products);
  // C += A·Bᵀ for a rows × count matrix A and a columns × count matrix B, both in panels without
  // gaps. C's rows are `stride` numbers apart; whole panels of rows and columns are there to be
  // written. `lower`: A is B, and only the lower triangle is needed. The terms of an entry are added
  // in the order of the features, whatever its place in C.
  void (*multiply)(
    const float *left, size_t rows, const float *right, size_t columns, size_t count, bool lower,
    float *c, size_t stride);
  // sums += C, and C = 0.
  void (*drain)(
    float *c, size_t rows, size_t columns, size_t stride, double *sums, size_t sums_stride);

  // K_ij ← ‖x_i − x_j‖² = K_ii + K_jj − 2·K_ij for j < i, `diagonal` being K's. What is below the
  // rounding of its terms, 2^-22 (K_ii + K_jj), is zero, as for equal examples.
  void (*squared_distances)(
    float *k, size_t first, size_t last, size_t columns, size_t stride, const float *diagonal);
  // K_ij ← exp(−K_ij·factor) for j < i and K_ii ← 1, or all less 1: centering does not tell them
  // apart, and values near 0 keep their digits in the one, values near 1 in the other.
  void (*exponentiate)(
    float *k, size_t first, size_t last, size_t columns, size_t stride, float factor,
    bool less_one);
  // sums[i] += what these rows add to row i of the symmetric matrix, without the diagonal where
  // `zeroDiagonal`.
  cka_gram_statistics (*row_sums)(
    const float *k, size_t first, size_t last, size_t columns, size_t stride, bool zeroDiagonal,
    double *sums);
  // Writes rows one after another to `out`: (K_ij − m_i − m_j)·scale, off the diagonal times √2,
  // without the diagonal where `zeroDiagonal`.
  void (*center_packed)(
    const float *k, size_t first, size_t last, size_t columns, size_t stride, bool zeroDiagonal,
    const double *m, double scale, float *out);
} cka_cpu_kernels_table;

// How many instruction sets this processor can run; 0 is the best.
size_t cka_cpu_kernels_count(void);

// The kernels of one of them; `index` < cka_cpu_kernels_count().
const cka_cpu_kernels_table *cka_cpu_kernels(size_t index);

// Adds to 2^16 counts: of the entries below the diagonal of rows first ..< last of K, as above, by their upper
// 16 bits, or of those whose upper bits are `prefix` by the lower. Numbers that are not negative are ordered as
// their bits are.
void cka_histogram(
  const float *k, size_t first, size_t last, size_t columns, size_t stride, bool upper,
  uint32_t prefix, uint64_t *histogram);

#pragma clang assume_nonnull end
