// From linear Gram matrices to RBF ones, in place, all layers of a chunk at once:
//
//   d²_ij = K_ii + K_jj − 2 K_ij                       `distances`; zero below its terms' rounding
//   σ²    = t² · median of all n² values d², or given  `median_begin`, 4 × (`histogram`, `select_bins`),
//                                                      `bandwidth`
//   K_ij  = exp(−d²_ij / (2σ²)), K_ii = 1              `exponentials`
//
// Where most of K is near 1 (mean d² < 2σ²) K − 1 is kept in its place: it centers to the same
// matrix, and has all its digits.
//
// Layout of the packed triangle and the diagonals: see reduce.cl. Of the n² values, n are the
// diagonal's zeros, the smallest, and each entry of the triangle counts twice. So the value of rank
// r ≥ n (from 0) is the triangle's of rank (r − n)/2. The median is the mean of the values of ranks
// (n²−1)/2 and n²/2, which are one for odd n². Non-negative float32 are ordered like their bits:
// each of four passes fixes 8 bits of both values from a histogram of the values that share the
// bits fixed so far. Integer counts only: the result does not depend on the order of the threads.
//
// Each layer has two targets, the lower and the upper middle value:
//   targets[layer · 2 + target]: bits fixed so far, rank among the values that share them
//   counts[(layer · 2 + target) · 256 + next 8 bits]
#ifndef CKA_SCALARS_H
#include "scalars.h"
#endif
#ifndef CKA_TRIANGLE_H
#include "triangle.h"
#endif
#ifndef CKA_DISTANCES_H
#include "distances.h"
#endif

// Work-items in a work-group; fixed, because a histogram has as many bins.
#define BINS 256

// Work-items that share one row of a triangle.
#ifndef ROW_ITEMS
#define ROW_ITEMS 64
#endif

// Dimensions: rows × ROW_ITEMS, layers.
__kernel __attribute__((reqd_work_group_size(ROW_ITEMS, 1, 1)))
void distances(
    __global float *stack, __global const float *diagonals, const uint n, const uint hasDiagonal,
    const ulong layerStride) {
  const uint i = get_group_id(0);
  __global float *row = stack + get_global_id(1) * layerStride + ROW_START(i, hasDiagonal);
  __global const float *diagonal = diagonals + get_global_id(1) * n;
  for (uint j = get_local_id(0); j < i; j += ROW_ITEMS) {
    row[j] = squared_distance(row[j], diagonal[i], diagonal[j]);
  }
}

// Dimensions: BINS, layers. One work-group a layer.
__kernel __attribute__((reqd_work_group_size(BINS, 1, 1)))
void median_begin(__global uint *counts, __global uint2 *targets, const uint n) {
  const uint bin = get_local_id(0);
  const ulong first = get_global_id(1) * 2;
  counts[first * BINS + bin] = 0;
  counts[first * BINS + BINS + bin] = 0;
  if (bin < 2) {
    const ulong all = (ulong)n * n;
    const ulong rank = bin == 0 ? (all - 1) / 2 : all / 2;
    // A rank among the diagonal's zeros is marked with bits no distance has.
    targets[first + bin] =
        rank < n ? (uint2)(0xFFFFFFFFu, 0) : (uint2)(0, (uint)((rank - n) / 2));
  }
}

// Dimensions: any number of work-groups, which share the rows, layers.
// `shift`: 24, 16, 8, 0, the position of the 8 bits to count.
__kernel __attribute__((reqd_work_group_size(BINS, 1, 1)))
void histogram(
    __global const float *stack, const uint n, const uint hasDiagonal, const ulong layerStride,
    const uint shift, __global const uint2 *targets, __global uint *counts) {
  __local uint bins[2][BINS];
  const uint item = get_local_id(0);
  const ulong first = get_global_id(1) * 2;
  const uint lower = targets[first].x;
  const uint upper = targets[first + 1].x;
  bins[0][item] = 0;
  bins[1][item] = 0;
  barrier(CLK_LOCAL_MEM_FENCE);
  __global const float *layer = stack + get_global_id(1) * layerStride;
  const uint fixedBits = shift == 24 ? 0 : 0xFFFFFFFFu << (shift + 8);
  for (uint i = get_group_id(0); i < n; i += get_num_groups(0)) {
    __global const float *row = layer + ROW_START(i, hasDiagonal);
    for (uint j = item; j < i; j += BINS) {
      const uint bits = as_uint(row[j]);
      const uint bin = (bits >> shift) & (BINS - 1);
      if ((bits & fixedBits) == (lower & fixedBits)) atomic_inc(&bins[0][bin]);
      if ((bits & fixedBits) == (upper & fixedBits)) atomic_inc(&bins[1][bin]);
    }
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  if (bins[0][item]) atomic_add(&counts[first * BINS + item], bins[0][item]);
  if (bins[1][item]) atomic_add(&counts[first * BINS + BINS + item], bins[1][item]);
}

// Finds the bin that holds each target's rank and empties the histograms for the next pass.
// Dimensions: BINS, layers. One work-group a layer.
__kernel __attribute__((reqd_work_group_size(BINS, 1, 1)))
void select_bins(__global uint *counts, __global uint2 *targets, const uint shift) {
  const uint item = get_local_id(0);
  const ulong first = get_global_id(1) * 2;
  if (item < 2) {
    uint2 target = targets[first + item];
    if (target.x != 0xFFFFFFFFu) {
      uint bin = 0;
      uint count = counts[(first + item) * BINS];
      while (bin < BINS - 1 && target.y >= count) {
        target.y -= count;
        count = counts[(first + item) * BINS + ++bin];
      }
      target.x |= bin << shift;
      targets[first + item] = target;
    }
  }
  barrier(CLK_GLOBAL_MEM_FENCE);
  counts[first * BINS + item] = 0;
  counts[first * BINS + BINS + item] = 0;
}

// σ² of each layer in units of 2^(2e), and the trace of the linear matrix.
// factors[layer]: (t², 0) with `isMedian` 1; with 0, σ² = x · 2^y, or no bandwidth where x is 0.
// Dimensions: BINS, layers. One work-group a layer.
__kernel __attribute__((reqd_work_group_size(BINS, 1, 1)))
void bandwidth(
    __global const uint2 *targets, __global const float *diagonals, const uint n,
    const uint isMedian, __global const float2 *factors, const uint firstLayer,
    __global Layer *layers) {
  __local float sums[BINS];
  const uint item = get_local_id(0);
  const ulong layer = get_global_id(1);
  float sum = 0;
  for (uint i = item; i < n; i += BINS) sum += diagonals[layer * n + i];
  sums[item] = sum;
  for (uint reach = BINS / 2; reach > 0; reach /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (item < reach) sums[item] += sums[item + reach];
  }
  if (item != 0) return;

  __global Layer *record = layers + firstLayer + layer;
  const float2 factor = factors[firstLayer + layer];
  float squared;
  if (isMedian) {
    const uint2 lower = targets[layer * 2];
    const uint2 upper = targets[layer * 2 + 1];
    const float low = lower.x == 0xFFFFFFFFu ? 0.0f : as_float(lower.x);
    const float high = upper.x == 0xFFFFFFFFu ? 0.0f : as_float(upper.x);
    squared = factor.x * (low == high ? low : 0.5f * low + 0.5f * high);
    // The comparison is false for NaN too.
    if (!(squared > 0 && squared < INFINITY)) record->flags |= FLAG_NO_BANDWIDTH;
  } else {
    // A bandwidth out of range for these activations gives the matrix it tends to.
    squared = clamp(ldexp(factor.x, (int)factor.y - 2 * record->exponent), 0x1p-120f, 0x1p120f);
    if (factor.x == 0) record->flags |= FLAG_NO_BANDWIDTH;
  }
  record->bandwidth = squared;
  record->trace = sums[0];
  // The mean of d² is 2 · trace / (n − 1).
  if (sums[0] / (float)(n - 1) < squared) record->flags |= FLAG_LESS_ONE;
}

// Dimensions: rows × ROW_ITEMS, layers.
__kernel __attribute__((reqd_work_group_size(ROW_ITEMS, 1, 1)))
void exponentials(
    __global float *stack, __global float *diagonals, const uint n, const uint hasDiagonal,
    const ulong layerStride, const uint firstLayer, __global const Layer *layers) {
  const uint i = get_group_id(0);
  const uint layer = get_global_id(1);
  __global float *row = stack + layer * layerStride + ROW_START(i, hasDiagonal);
  const float squared = layers[firstLayer + layer].bandwidth;
  const bool isLessOne = layers[firstLayer + layer].flags & FLAG_LESS_ONE;
  for (uint j = get_local_id(0); j < i; j += ROW_ITEMS) {
    row[j] = exponential(row[j], squared, isLessOne);
  }
  if (get_local_id(0) == 0) diagonals[(ulong)layer * n + i] = isLessOne ? 0 : 1;
}
