// Centers the Gram matrices of all layers of a chunk, in place, and stores them as packed rows that
// pairs.cl multiplies:
//
//   unbiased: K_ij ← (K_ij − mᵢ − mⱼ) · 2^−g · √2 for i > j,  mᵢ = rᵢ/(n−2) − Σr/(2(n−1)(n−2))
//   biased:   the same with mᵢ = rᵢ/n − Σr/(2n²), and the diagonal, without √2
//
// where rᵢ is the sum of row i, without the diagonal if unbiased, and g is such that the largest
// |K_ij| · 2^−g lies in [½, 1). This is U-centering and HKH: the mean of the whole matrix is split
// evenly between mᵢ and mⱼ. √2 makes the plain product of two packed rows ⟨K, L⟩.
//
//   (i, j), i > j: stack[layer · layerStride + i(i−1)/2 + j], diagonals[layer · n + i]   unbiased
//   (i, j), i ≥ j: stack[layer · layerStride + i(i+1)/2 + j], diagonal included          biased
//   rowSums, rowMeans [layer · n + i]: `wide`; rowMaxima, rowSquares [layer · n + i]: float32
// `layerStride` is the packed count rounded up; what is left over at the end is zero.
#ifndef CKA_SCALARS_H
#include "scalars.h"
#endif
#ifndef CKA_TRIANGLE_H
#include "triangle.h"
#endif
#ifndef CKA_WIDE_H
#include "wide.h"
#endif

// Work-items that share one row.
#ifndef ROW_ITEMS
#define ROW_ITEMS 64
#endif

// Rows of a strip that are summed together, and the work-items that share each of its columns.
#ifndef STRIP
#define STRIP 32
#endif
#ifndef STRIP_LANES
#define STRIP_LANES 8
#endif

// Work-items that share the rows of one layer.
#ifndef LAYER_ITEMS
#define LAYER_ITEMS 128
#endif

// Largest |g|: 2^g and 2^−g are normal numbers.
#define LARGEST_GRAM_EXPONENT 120

// One work-group a strip of STRIP rows. Row i of the whole matrix is row i of the triangle, up to the
// diagonal, and its column i below. Neighbors read neighboring numbers in both: along the rows, one
// of them at a time, and along the strip's columns.
// Dimensions: strips × STRIP, STRIP_LANES, layers.
__kernel __attribute__((reqd_work_group_size(STRIP, STRIP_LANES, 1)))
void row_sums(
    __global const float *stack, __global const float *diagonals, const uint n,
    const uint hasDiagonal, const ulong layerStride, __global wide *rowSums,
    __global float *rowMaxima) {
  // [STRIP + lane][row]: what a lane has added of the column; [item][row]: of the row. One more
  // number a line, so that writing one column of them meets all banks.
  __local wide sums[STRIP + STRIP_LANES][STRIP + 1];
  __local float maxima[STRIP + STRIP_LANES][STRIP + 1];
  const uint item = get_local_id(0);
  const uint lane = get_local_id(1);
  const uint first = get_group_id(0) * STRIP;
  const ulong layer = get_global_id(2);
  __global const float *triangle = stack + layer * layerStride;

  for (uint r = lane; r < STRIP; r += STRIP_LANES) {
    wide sum = wide_from(0);
    float largest = 0;
    if (first + r < n) {
      __global const float *row = triangle + ROW_START(first + r, hasDiagonal);
      for (uint j = item; j < first + r; j += STRIP) {
        sum = wide_add(sum, wide_from(row[j]));
        largest = fmax(largest, fabs(row[j]));
      }
    }
    sums[item][r] = sum;
    maxima[item][r] = largest;
  }

  const uint i = first + item;
  wide sum = wide_from(0);
  float largest = 0;
  for (uint j = first + lane; j < n; j += STRIP_LANES) {
    if (j <= i) continue;
    const float entry = triangle[ROW_START(j, hasDiagonal) + i];
    sum = wide_add(sum, wide_from(entry));
    largest = fmax(largest, fabs(entry));
  }
  sums[STRIP + lane][item] = sum;
  maxima[STRIP + lane][item] = largest;
  barrier(CLK_LOCAL_MEM_FENCE);
  if (lane != 0 || i >= n) return;

  const float entry = hasDiagonal ? diagonals[layer * n + i] : 0.0f;
  sum = wide_from(entry);
  largest = fabs(entry);
  for (uint part = 0; part < STRIP + STRIP_LANES; ++part) {
    sum = wide_add(sum, sums[part][item]);
    largest = fmax(largest, maxima[part][item]);
  }
  rowSums[layer * n + i] = sum;
  rowMaxima[layer * n + i] = largest;
}

// One work-group a layer: mᵢ and g. Dimensions: LAYER_ITEMS, layers.
__kernel __attribute__((reqd_work_group_size(LAYER_ITEMS, 1, 1)))
void row_means(
    __global const wide *rowSums, __global const float *rowMaxima, const uint n,
    const uint hasDiagonal, __global wide *rowMeans, const uint firstLayer,
    __global Layer *layers) {
  __local wide sums[LAYER_ITEMS];
  __local float maxima[LAYER_ITEMS];
  const uint item = get_local_id(0);
  const ulong layer = get_global_id(1);
  wide sum = wide_from(0);
  float largest = 0;
  for (uint i = item; i < n; i += LAYER_ITEMS) {
    sum = wide_add(sum, rowSums[layer * n + i]);
    largest = fmax(largest, rowMaxima[layer * n + i]);
  }
  sums[item] = sum;
  maxima[item] = largest;
  for (uint reach = LAYER_ITEMS / 2; reach > 0; reach /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (item < reach) {
      sums[item] = wide_add(sums[item], sums[item + reach]);
      maxima[item] = fmax(maxima[item], maxima[item + reach]);
    }
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  const float divisor = hasDiagonal ? (float)n : (float)(n - 2);
  const float rest = hasDiagonal ? 2.0f * (float)n : 2.0f * (float)(n - 1);
  const wide common = wide_divide(wide_divide(sums[0], divisor), rest);
  for (uint i = item; i < n; i += LAYER_ITEMS) {
    rowMeans[layer * n + i] = wide_subtract(wide_divide(rowSums[layer * n + i], divisor), common);
  }
  if (item == 0) {
    __global Layer *record = layers + firstLayer + layer;
    largest = maxima[0];
    const bool isUsable = largest > 0 && largest < INFINITY;
    if (largest >= INFINITY) record->flags |= FLAG_NOT_FINITE;
    record->gramExponent = isUsable
        ? clamp(ilogb(largest) + 1, -LARGEST_GRAM_EXPONENT, LARGEST_GRAM_EXPONENT)
        : 0;
  }
}

// Dimensions: rows × ROW_ITEMS, layers. Layers that are not finite become zeros.
__kernel __attribute__((reqd_work_group_size(ROW_ITEMS, 1, 1)))
void center_rows(
    __global float *stack, __global const float *diagonals, const uint n, const uint hasDiagonal,
    const ulong layerStride, __global const wide *rowMeans, const uint firstLayer,
    __global const Layer *layers, __global float *rowSquares) {
  __local float squares[ROW_ITEMS];
  const uint item = get_local_id(0);
  const uint i = get_group_id(0);
  const ulong layer = get_global_id(1);
  const Layer record = layers[firstLayer + layer];
  const bool isFinite = !(record.flags & (FLAG_NOT_FINITE | FLAG_NO_BANDWIDTH));
  const float scale = ldexp(1.0f, -record.gramExponent);
  const float offDiagonal = scale * M_SQRT2_F;
  __global float *row = stack + layer * layerStride + ROW_START(i, hasDiagonal);
  const wide mean = rowMeans[layer * n + i];
  float square = 0;
  for (uint j = item; j < i; j += ROW_ITEMS) {
    const float entry = row[j];
    const wide means = wide_add(mean, rowMeans[layer * n + j]);
    const float centered = wide_round(wide_subtract(wide_from(entry), means));
    row[j] = isFinite ? centered * offDiagonal : 0.0f;
    square += 2 * (entry * scale) * (entry * scale);
  }
  if (hasDiagonal && item == 0) {
    const float entry = diagonals[layer * n + i];
    const float centered =
        wide_round(wide_subtract(wide_from(entry), wide_add(mean, mean)));
    row[i] = isFinite ? centered * scale : 0.0f;
    square += (entry * scale) * (entry * scale);
  }
  if (i == n - 1) {
    const ulong packed = ROW_START(n, hasDiagonal);
    for (ulong rest = packed + item; rest < layerStride; rest += ROW_ITEMS) {
      stack[layer * layerStride + rest] = 0;
    }
  }
  squares[item] = square;
  for (uint reach = ROW_ITEMS / 2; reach > 0; reach /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (item < reach) squares[item] += squares[item + reach];
  }
  if (item == 0) rowSquares[layer * n + i] = squares[0];
}

// What the host needs to know of rounding, from the matrices before centering. `isLinear`: the
// trace is that of the stored matrix, else rbf.cl has left the linear one's.
// One work-group a layer. Dimensions: LAYER_ITEMS, layers.
__kernel __attribute__((reqd_work_group_size(LAYER_ITEMS, 1, 1)))
void summarize(
    __global const float *rowSquares, __global const float *diagonals, const uint n,
    const uint isLinear, const uint firstLayer, __global Layer *layers) {
  __local float squares[LAYER_ITEMS];
  __local float traces[LAYER_ITEMS];
  const uint item = get_local_id(0);
  const ulong layer = get_global_id(1);
  __global Layer *record = layers + firstLayer + layer;
  const float scale = ldexp(1.0f, -record->gramExponent);
  float square = 0;
  float trace = 0;
  for (uint i = item; i < n; i += LAYER_ITEMS) {
    square += rowSquares[layer * n + i];
    trace += diagonals[layer * n + i] * scale;
  }
  squares[item] = square;
  traces[item] = trace;
  for (uint reach = LAYER_ITEMS / 2; reach > 0; reach /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (item < reach) {
      squares[item] += squares[item + reach];
      traces[item] += traces[item + reach];
    }
  }
  if (item == 0) {
    record->squaredNorm = squares[0];
    if (isLinear) record->trace = traces[0];
  }
}
