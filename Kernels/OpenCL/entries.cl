// What becomes of the entries of one tile of a large Gram matrix, all layers of a chunk at once, when
// reduce.cl has left them:
//
//   `center_tile`                        (K_ij · 2^−g − mᵢ − mⱼ) · √2, in place; the diagonal without √2
//   `clear_counts`, `tile_histogram`     how many d²_ij have which upper, or lower, 16 bits
//   `tile_row_sums`, `tile_column_sums`  of K, without its diagonal
//
// where RBF's K_ij = exp(−d²_ij/(2σ²)), or that less 1, is made of the linear matrix each time: reading
// an entry costs more than its exponential. m, g, σ² and the norms of d² (distances.h) are known, from
// the host.
//
// A tile is a triangle on the diagonal of the whole matrix or a rectangle below it: triangle.h says where
// entry (i, j) lies in a layer's `layerStride` numbers. What is left over at the end becomes zero.
//   norms, means [layer · (rows + columns) + index]: of the rows, and behind them of other columns, of all
//                                                    layers; `firstLayer` is the chunk's first of them
//
// Traffic for an entry: `center_tile` reads and writes 4 bytes, the others read 4.
#ifndef CKA_SCALARS_H
#include "scalars.h"
#endif
#ifndef CKA_TRIANGLE_H
#include "triangle.h"
#endif
#ifndef CKA_WIDE_H
#include "wide.h"
#endif
#ifndef CKA_DISTANCES_H
#include "distances.h"
#endif

// Work-items that share one row.
#ifndef ROW_ITEMS
#define ROW_ITEMS 64
#endif

// Columns of a strip that are summed together, and the work-items that share each of them.
#ifndef STRIP
#define STRIP 32
#endif
#ifndef STRIP_LANES
#define STRIP_LANES 8
#endif

// Work-items that count together.
#ifndef HISTOGRAM_ITEMS
#define HISTOGRAM_ITEMS 256
#endif

// Bins that a work-group counts in local memory: with 128 to an octave, those from 2^−8 to 2^8 of the
// value in their middle.
#ifndef WINDOW
#define WINDOW 2048
#endif

// Values of 16 bits.
#define BINS 65536

static inline float rbf_entry(
    const float product, const float norm, const float columnNorm, const Layer *record) {
  const float squared = squared_distance(product, norm, columnNorm);
  return exponential(squared, record->bandwidth, record->flags & FLAG_LESS_ONE);
}

// Layers that are not finite, or do not vary, become zeros. Dimensions: rows × ROW_ITEMS, layers.
__kernel __attribute__((reqd_work_group_size(ROW_ITEMS, 1, 1)))
void center_tile(
    __global float *stack, __global const float *norms, const uint rows, const uint columns,
    const uint hasDiagonal, const ulong layerStride, const uint firstLayer,
    __global const Layer *layers, __global const float *diagonals, __global const float *means,
    const uint isLinear) {
  const uint item = get_local_id(0);
  const uint i = get_group_id(0);
  const ulong layer = get_global_id(1);
  const Layer record = layers[firstLayer + layer];
  const uint usable = record.flags & (FLAG_VARIES | FLAG_NOT_FINITE | FLAG_NO_BANDWIDTH);
  const bool isUsable = usable == FLAG_VARIES;
  const float scale = ldexp(1.0f, -record.gramExponent);
  const uint firstColumn = columns ? rows : 0;
  __global const float *own = norms + (firstLayer + layer) * (rows + columns);
  __global const float *ownMeans = means + (firstLayer + layer) * (rows + columns);
  const float mean = ownMeans[i];
  __global float *numbers = stack + layer * layerStride;
  __global float *row = numbers + row_start(i, columns, hasDiagonal);
  for (uint j = item; j < row_length(i, columns); j += ROW_ITEMS) {
    const uint column = firstColumn + j;
    const float entry = isLinear ? row[j] : rbf_entry(row[j], own[i], own[column], &record);
    row[j] = isUsable ? (entry * scale - (mean + ownMeans[column])) * M_SQRT2_F : 0.0f;
  }
  if (hasDiagonal && columns == 0 && item == 0) {
    const float one = record.flags & FLAG_LESS_ONE ? 0.0f : 1.0f;
    const float entry = isLinear ? diagonals[layer * rows + i] : one;
    row[i] = isUsable ? entry * scale - 2 * mean : 0.0f;
  }
  if (i == rows - 1) {
    const ulong packed = row_start(rows, columns, hasDiagonal);
    for (ulong rest = packed + item; rest < layerStride; rest += ROW_ITEMS) numbers[rest] = 0;
  }
}

// Dimensions: all counts.
__kernel __attribute__((reqd_work_group_size(HISTOGRAM_ITEMS, 1, 1)))
void clear_counts(__global uint *counts) {
  counts[get_global_id(0)] = 0;
}

// Adds to counts[(layer · 2 + target) · BINS + bin], where
//   isUpper:  bin = upper 16 bits of d², target 0; a layer's windows.x is the window's first bin
//   else:     bin = lower 16 bits of a d² whose upper ones are its windows.x (target 0) or .y (target 1)
// Non-negative float32 are ordered like their bits. Integer counts only: the result does not depend on
// the order of the threads.
// Dimensions: any number of work-groups, which share the rows, layers.
__kernel __attribute__((reqd_work_group_size(HISTOGRAM_ITEMS, 1, 1)))
void tile_histogram(
    __global const float *stack, __global const float *norms, const uint rows, const uint columns,
    const uint hasDiagonal, const ulong layerStride, const uint firstLayer, const uint isUpper,
    __global const uint2 *windows, __global uint *counts) {
  __local uint window[WINDOW];
  const uint item = get_local_id(0);
  const ulong layer = get_global_id(1);
  const uint2 targets = windows[layer];
  __global uint *bins = counts + layer * 2 * BINS;
  for (uint bin = item; bin < WINDOW; bin += HISTOGRAM_ITEMS) window[bin] = 0;
  barrier(CLK_LOCAL_MEM_FENCE);
  __global const float *own = norms + (firstLayer + layer) * (rows + columns);
  __global const float *columnNorms = own + (columns ? rows : 0);
  for (uint i = get_group_id(0); i < rows; i += get_num_groups(0)) {
    __global const float *row = stack + layer * layerStride + row_start(i, columns, hasDiagonal);
    for (uint j = item; j < row_length(i, columns); j += HISTOGRAM_ITEMS) {
      const uint bits = as_uint(squared_distance(row[j], own[i], columnNorms[j]));
      const uint upper = bits >> 16;
      const uint lower = bits & (BINS - 1);
      if (isUpper) {
        const uint place = upper - targets.x;
        if (place < WINDOW) {
          atomic_inc(&window[place]);
        } else {
          atomic_inc(&bins[upper]);
        }
      } else if (upper == targets.x) {
        atomic_inc(&bins[lower]);
      } else if (upper == targets.y) {
        atomic_inc(&bins[BINS + lower]);
      }
    }
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  if (!isUpper) return;
  for (uint bin = item; bin < WINDOW; bin += HISTOGRAM_ITEMS) {
    if (window[bin]) atomic_add(&bins[targets.x + bin], window[bin]);
  }
}

// Each row's sum and largest magnitude: sums[layer · rows + i], maxima[layer · rows + i].
// Dimensions: rows × ROW_ITEMS, layers.
__kernel __attribute__((reqd_work_group_size(ROW_ITEMS, 1, 1)))
void tile_row_sums(
    __global const float *stack, __global const float *norms, const uint rows, const uint columns,
    const uint hasDiagonal, const ulong layerStride, const uint firstLayer,
    __global const Layer *layers, __global wide *sums, __global float *maxima) {
  __local wide itemSums[ROW_ITEMS];
  __local float itemMaxima[ROW_ITEMS];
  const uint item = get_local_id(0);
  const uint i = get_group_id(0);
  const ulong layer = get_global_id(1);
  const Layer record = layers[firstLayer + layer];
  __global const float *own = norms + (firstLayer + layer) * (rows + columns);
  __global const float *columnNorms = own + (columns ? rows : 0);
  __global const float *row = stack + layer * layerStride + row_start(i, columns, hasDiagonal);
  wide sum = wide_from(0);
  float largest = 0;
  for (uint j = item; j < row_length(i, columns); j += ROW_ITEMS) {
    const float entry = rbf_entry(row[j], own[i], columnNorms[j], &record);
    sum = wide_add(sum, wide_from(entry));
    largest = fmax(largest, fabs(entry));
  }
  itemSums[item] = sum;
  itemMaxima[item] = largest;
  for (uint reach = ROW_ITEMS / 2; reach > 0; reach /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (item < reach) {
      itemSums[item] = wide_add(itemSums[item], itemSums[item + reach]);
      itemMaxima[item] = fmax(itemMaxima[item], itemMaxima[item + reach]);
    }
  }
  if (item == 0) {
    sums[layer * rows + i] = itemSums[0];
    maxima[layer * rows + i] = itemMaxima[0];
  }
}

// Each column's sum: sums[layer · width + j], width the columns of a rectangle or the rows of a triangle.
// One work-group a strip of STRIP columns; neighbors read neighboring numbers.
// Dimensions: strips × STRIP, STRIP_LANES, layers.
__kernel __attribute__((reqd_work_group_size(STRIP, STRIP_LANES, 1)))
void tile_column_sums(
    __global const float *stack, __global const float *norms, const uint rows, const uint columns,
    const uint hasDiagonal, const ulong layerStride, const uint firstLayer,
    __global const Layer *layers, __global wide *sums) {
  __local wide laneSums[STRIP_LANES][STRIP];
  const uint item = get_local_id(0);
  const uint lane = get_local_id(1);
  const uint j = get_group_id(0) * STRIP + item;
  const ulong layer = get_global_id(2);
  const Layer record = layers[firstLayer + layer];
  const uint width = columns ? columns : rows;
  __global const float *numbers = stack + layer * layerStride;
  __global const float *own = norms + (firstLayer + layer) * (rows + columns);
  const float columnNorm = own[min((columns ? rows : 0) + j, rows + columns - 1)];
  wide sum = wide_from(0);
  for (uint i = lane; i < rows; i += STRIP_LANES) {
    if (j >= row_length(i, columns)) continue;
    const float product = numbers[row_start(i, columns, hasDiagonal) + j];
    sum = wide_add(sum, wide_from(rbf_entry(product, own[i], columnNorm, &record)));
  }
  laneSums[lane][item] = sum;
  barrier(CLK_LOCAL_MEM_FENCE);
  if (lane != 0 || j >= width) return;
  for (uint other = 1; other < STRIP_LANES; ++other) sum = wide_add(sum, laneSums[other][item]);
  sums[layer * width + j] = sum;
}
