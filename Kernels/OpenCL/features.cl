// What the features of a group are like: their shifts, and the common scale of each layer.
//
//   shift_k = mean over the n rows, in float32: close enough to center, any common shift is allowed
//   e       = 32 · round(log2(largest half-range of the part) / 32): 0 for ordinary data
//
// Layout: see scalars.h. `blockOwners[block]` is the part a block of BLOCK features belongs to.
#ifndef CKA_SCALARS_H
#include "scalars.h"
#endif

// Work-items that share the rows of one feature.
#ifndef ROW_LANES
#define ROW_LANES 8
#endif

// Work-items that share the blocks of one part.
#ifndef PART_LANES
#define PART_LANES 64
#endif

// Largest |e|: both 2^e and 2^−e are normal, and squares of scaled numbers stay in range.
#define LARGEST_EXPONENT 96

// The exponent of nothing: less than any other, with those the host adds.
#define NO_EXPONENT -8192

// One work-group a block: BLOCK × ROW_LANES work-items, neighbors read neighboring features.
// Writes the block's shifts, its largest half-range, its flags, and (Σ mean², Σ variance) of its
// features, the latter for tensor.cl.
__kernel __attribute__((reqd_work_group_size(BLOCK, ROW_LANES, 1)))
void feature_statistics(
    __global const uchar *data, __global const Part *parts, __global const uint *blockOwners,
    const uint n, __global float *shifts, __global float *blockRanges, __global uint *blockFlags,
    __global float2 *blockMoments) {
  __local float lowest[ROW_LANES][BLOCK];
  __local float highest[ROW_LANES][BLOCK];
  __local float means[ROW_LANES][BLOCK];
  __local float squares[ROW_LANES][BLOCK];
  __local uint flags[ROW_LANES][BLOCK];
  const uint block = get_group_id(0);
  const uint feature = get_local_id(0);
  const uint lane = get_local_id(1);
  const Part part = parts[blockOwners[block]];
  __global const uchar *numbers = data + part.offset;
  const ulong column = (ulong)(block - part.firstBlock) * BLOCK + feature;

  float low = INFINITY;
  float high = -INFINITY;
  float mean = 0;
  float square = 0;  // mean of (x − first)², which a common offset does not spoil
  uint flag = 0;
  const float first = load_one(numbers, column, part.format);
  const float weight = 1.0f / (float)n;  // x · (1/n): a sum of x would overflow near 3e38
  for (uint i = lane; i < n; i += ROW_LANES) {
    const float x = load_one(numbers, (ulong)i * part.stride + column, part.format);
    // fmin and fmax pass over NaN, so it is told by its exponent bits, as infinity is.
    if ((as_uint(x) & 0x7F800000u) == 0x7F800000u) flag = FLAG_NOT_FINITE;
    low = fmin(low, x);
    high = fmax(high, x);
    mean = fma(x, weight, mean);
    square = fma((x - first) * weight, x - first, square);
  }
  lowest[lane][feature] = low;
  highest[lane][feature] = high;
  means[lane][feature] = mean;
  squares[lane][feature] = square;
  flags[lane][feature] = flag;
  barrier(CLK_LOCAL_MEM_FENCE);

  if (lane == 0) {
    for (uint other = 1; other < ROW_LANES; ++other) {
      low = fmin(low, lowest[other][feature]);
      high = fmax(high, highest[other][feature]);
      mean += means[other][feature];
      square += squares[other][feature];
      flag |= flags[other][feature];
    }
    if (low < high) flag |= FLAG_VARIES;
    // A constant feature is taken off to the last bit.
    const float shift = low < high ? clamp(mean, low, high) : low;
    shifts[(ulong)block * BLOCK + feature] = (flag & FLAG_NOT_FINITE) ? 0.0f : shift;
    lowest[0][feature] = high * 0.5f - low * 0.5f;
    highest[0][feature] = mean * mean;
    squares[0][feature] = fmax(square - (mean - first) * (mean - first), 0.0f);
    flags[0][feature] = flag;
  }
  for (uint reach = BLOCK / 2; reach > 0; reach /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (lane == 0 && feature < reach) {
      lowest[0][feature] = fmax(lowest[0][feature], lowest[0][feature + reach]);
      highest[0][feature] += highest[0][feature + reach];
      squares[0][feature] += squares[0][feature + reach];
      flags[0][feature] |= flags[0][feature + reach];
    }
  }
  if (lane == 0 && feature == 0) {
    blockRanges[block] = lowest[0][0];
    blockFlags[block] = flags[0][0];
    blockMoments[block] = (float2)(highest[0][0], squares[0][0]);
  }
}

// One work-group a part: its blocks become the part's scale 2^−e and are added to the layer's
// record. A group holds at most one part of a layer, and groups run one after another.
__kernel __attribute__((reqd_work_group_size(PART_LANES, 1, 1)))
void part_statistics(
    __global const Part *parts, __global const float *blockRanges,
    __global const uint *blockFlags, __global float *partScales, __global Layer *layers) {
  __local float ranges[PART_LANES];
  __local uint flags[PART_LANES];
  const uint lane = get_local_id(0);
  const uint index = get_group_id(0);
  const Part part = parts[index];
  const uint end = part.firstBlock + part.stride / BLOCK;
  float range = 0;
  uint flag = 0;
  for (uint block = part.firstBlock + lane; block < end; block += PART_LANES) {
    range = fmax(range, blockRanges[block]);
    flag |= blockFlags[block];
  }
  ranges[lane] = range;
  flags[lane] = flag;
  for (uint reach = PART_LANES / 2; reach > 0; reach /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (lane < reach) {
      ranges[lane] = fmax(ranges[lane], ranges[lane + reach]);
      flags[lane] |= flags[lane + reach];
    }
  }
  if (lane != 0) return;

  range = ranges[0];
  flag = flags[0] | (part.flags & FLAG_NOT_FINITE);
  if (part.flags & FLAG_PREPARED) flag = (flag & ~FLAG_VARIES) | (part.flags & FLAG_VARIES);
  // A part without a range adds nothing: its exponent leaves the choice to the layer's others.
  int e = NO_EXPONENT;
  float scale = 1;
  if (range > 0 && (flag & FLAG_VARIES) && !(flag & FLAG_NOT_FINITE)) {
    e = clamp(32 * ((ilogb(range) + 16) >> 5), -LARGEST_EXPONENT, LARGEST_EXPONENT);
    scale = ldexp(1.0f, -e);
    e += part.exponent;
  }
  partScales[index] = scale;

  Layer layer = {e, 0, 0, 0, 0, 0, 0, 0};
  if (!(part.flags & FLAG_FIRST)) layer = layers[part.layer];
  const int common = max(layer.exponent, e);
  layer.rescaleOld = layer.exponent - common;
  layer.rescaleNew = e - common;
  layer.exponent = common;
  layer.flags |= flag;
  layers[part.layer] = layer;
}
