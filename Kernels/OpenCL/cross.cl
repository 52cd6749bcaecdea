// Products of the features of two layers, over the examples:
//
//   sum(a, b) = Σ_i x_ia · y_ib,   x_ia = (stored_ia − shift_a) · 2^−e, y_ib alike
//
// and the sums of their squares, ‖XᵀY‖². A group (scalars.h) holds `n` examples of some layers. Each tile
// is TILE × TILE features of two of them, which may be one:
//   tiles[tile] = (left part, right part, first left feature, first right feature)
// The examples are cut into slices of `sliceLength`. `cross_partials` makes one tile of one slice, in the
// order of the examples, in its slot:
//   slot = (tile − firstTile) · slices of this launch + (slice − firstSlice),  TILE² numbers, row by row
// `add_slices` adds the slices in their order to sums[tile · TILE² + entry], in `wide`. One order from the
// first example to the last, however they were spread over groups, if groups are whole slices.
// `tile_squares` is Σ (sum · scale)² over the tile's features that exist.
//
// The products of two tiles are those of tiles.h, with examples in place of features: what it counts holds
// here. Two loads bring DEPTH examples of TILE neighboring features, 256 bytes of each with TILE 64 and
// float32, and are stored as they come, a vector at a time. 140 registers for sm_90 and no spills. A slot is
// written and read once: 8 bytes for 2 · sliceLength operations, 128 operations a byte at 512; the sums, 16
// bytes read and written, once a group.
#ifndef CKA_SCALARS_H
#include "scalars.h"
#endif
#ifndef CKA_WIDE_H
#include "wide.h"
#endif
#ifndef CKA_TILES_H
#include "tiles.h"
#endif

// Work-items that share the entries of one tile.
#ifndef SQUARE_ITEMS
#define SQUARE_ITEMS 64
#endif

// Load number `load` of a work-item brings a vector of four features of one example of a step.
#define TILE_VECTORS (TILE / 4)
#define LOAD_EXAMPLE(item, load) (((item) + (load) * ITEMS) / TILE_VECTORS)
#define LOAD_FEATURE(item, load) (((item) + (load) * ITEMS) % TILE_VECTORS * 4)

// The features of one side of a tile.
typedef struct {
  __global const uchar *numbers;
  __global const float4 *shifts;
  uint format;
  uint stride;
  uint first;
  float scale;
} Side;

static inline Side tile_side(
    __global const uchar *data, __global const Part *parts, __global const float *partScales,
    __global const float *shifts, const uint index, const uint first) {
  const Part part = parts[index];
  Side side;
  side.numbers = data + part.offset;
  side.shifts = (__global const float4 *)(shifts + (ulong)part.firstBlock * BLOCK);
  side.format = part.format;
  side.stride = part.stride;
  side.first = first;
  side.scale = partScales[index];
  return side;
}

// Of features past the last the last four are brought once more; nobody reads what they make.
static inline uint load_column(const Side side, const uint item, const uint load) {
  return min(side.first + LOAD_FEATURE(item, load), side.stride - 4);
}

static inline void load_tile(
    uint4 bits[LOADS], const Side side, const uint k, const uint n, const uint item) {
  UNROLL
  for (uint load = 0; load < LOADS; ++load) {
    const uint row = min(k + LOAD_EXAMPLE(item, load), n - 1);
    bits[load] =
        load_bits(side.numbers, row * side.stride + load_column(side, item, load), side.format);
  }
}

// Examples past the end of the slice are zeros.
static inline void store_tile(
    __local float *tile, const uint4 bits[LOADS], const Side side, const uint k, const uint end,
    const uint item) {
  UNROLL
  for (uint load = 0; load < LOADS; ++load) {
    const uint example = LOAD_EXAMPLE(item, load);
    const float4 shift = side.shifts[load_column(side, item, load) / 4];
    const float4 x = centered(four_from(bits[load], side.format), shift, side.scale);
    // PLACE keeps four neighboring rows together.
    *(__local float4 *)(tile + PLACE(example, LOAD_FEATURE(item, load))) =
        k + example < end ? x : (float4)(0.0f);
  }
}

// Dimensions: slices × ITEMS, tiles.
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1)))
void cross_partials(
    __global const uchar *data, __global const Part *parts, __global const float *partScales,
    __global const float *shifts, __global const uint4 *tiles, const uint firstTile,
    const uint firstSlice, const uint sliceLength, const uint n, __global float *partials) {
  __local float leftTiles[2][DEPTH * TILE] __attribute__((aligned(16)));
  __local float rightTiles[2][DEPTH * TILE] __attribute__((aligned(16)));
  const uint item = get_local_id(0);
  const uint y = ITEM_ROW(item);
  const uint x = ITEM_COLUMN(item);
  const uint4 tile = tiles[firstTile + get_group_id(1)];
  const Side left = tile_side(data, parts, partScales, shifts, tile.x, tile.z);
  const Side right = tile_side(data, parts, partScales, shifts, tile.y, tile.w);
  const uint begin = (firstSlice + get_group_id(0)) * sliceLength;
  const uint end = min(begin + sliceLength, n);

  float4 sums[REGISTER_ROWS][COLUMN_RUNS];
  clear_sums(sums);
  uint4 leftBits[LOADS];
  uint4 rightBits[LOADS];
  load_tile(leftBits, left, begin, n, item);
  load_tile(rightBits, right, begin, n, item);
  uint turn = 0;
  for (uint k = begin; k < end; k += DEPTH) {
    store_tile(leftTiles[turn], leftBits, left, k, end, item);
    store_tile(rightTiles[turn], rightBits, right, k, end, item);
    barrier(CLK_LOCAL_MEM_FENCE);
    load_tile(leftBits, left, k + DEPTH, n, item);
    load_tile(rightBits, right, k + DEPTH, n, item);
    multiply_tiles(leftTiles[turn], rightTiles[turn], y, x, false, sums);
    turn ^= 1;
  }

  const ulong slot = (ulong)get_group_id(1) * get_num_groups(0) + get_group_id(0);
  store_sums(sums, y, x, partials + slot * (TILE * TILE));
}

// `isFirst`: the sums begin with these slices. Dimensions: entries of a tile, tiles.
__kernel void add_slices(
    __global const float *partials, const uint slices, const uint firstTile, const uint isFirst,
    __global wide *sums) {
  const uint entry = get_global_id(0);
  __global const float *partial =
      partials + (ulong)get_global_id(1) * slices * (TILE * TILE) + entry;
  __global wide *sum = sums + ((ulong)firstTile + get_global_id(1)) * (TILE * TILE) + entry;
  wide total = isFirst ? wide_from(0) : *sum;
  for (uint s = 0; s < slices; ++s) {
    total = wide_add(total, wide_from(partial[(ulong)s * (TILE * TILE)]));
  }
  *sum = total;
}

// squares[tile]. Dimensions: tiles × SQUARE_ITEMS.
__kernel __attribute__((reqd_work_group_size(SQUARE_ITEMS, 1, 1)))
void tile_squares(
    __global const wide *sums, __global const uint4 *tiles, __global const Part *parts,
    __global const float *scales, __global wide *squares) {
  __local wide itemSums[SQUARE_ITEMS];
  const uint item = get_local_id(0);
  const ulong index = get_group_id(0);
  const uint4 tile = tiles[index];
  const uint rows = min(parts[tile.x].stride - tile.z, (uint)TILE);
  const uint columns = min(parts[tile.y].stride - tile.w, (uint)TILE);
  wide total = wide_from(0);
  for (uint entry = item; entry < TILE * TILE; entry += SQUARE_ITEMS) {
    if (entry / TILE >= rows || entry % TILE >= columns) continue;
    const float sum = wide_round(sums[index * (TILE * TILE) + entry]);
    total = wide_add(total, wide_square(sum * scales[index]));
  }
  itemSums[item] = total;
  for (uint reach = SQUARE_ITEMS / 2; reach > 0; reach /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (item < reach) itemSums[item] = wide_add(itemSums[item], itemSums[item + reach]);
  }
  if (item == 0) squares[index] = itemSums[0];
}
