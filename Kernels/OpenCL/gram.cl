// Partial Gram matrices of all parts of a group, one launch:
//
//   partial(i, j) = Σ_{k0 ≤ k < k1} x_ik · x_jk,   x_ik = (stored_ik − shift_k) · 2^−e
//
// A part holds the examples of `rows` rows and, behind them, those of `columns` columns. Without columns,
// the columns are the rows: of the symmetric matrix, those tiles on or below the diagonal are made.
// Tiles are TILE × TILE:
//   without columns: tile number t ↔ tile row I ≥ tile column J with t = I(I+1)/2 + J
//   with columns:    tile number t ↔ tile row I, tile column J with t = I · ceil(columns / TILE) + J
// The features of a part are cut into slices; an entry of `slices` is (part, k0, k1, 0), in features
// of the part, multiples of BLOCK. A work-group makes one tile of one slice and writes it, row by
// row, TILE² numbers, to its slot:
//   slot = (tile − firstTile) · slices of this launch + (slice − firstSlice)
// reduce.cl adds the slices in their order. Conversion, centering and scaling happen on the way to
// local memory (tiles.h). Layout of the activations: see scalars.h. Rows past the last repeat it,
// and the entries they make are never read; nor are those above the diagonal.
#ifndef CKA_SCALARS_H
#include "scalars.h"
#endif
#ifndef CKA_TILES_H
#include "tiles.h"
#endif
#ifndef CKA_TRIANGLE_H
#include "triangle.h"
#endif

// Where one work-item's loads of a tile begin: four features of LOADS rows. A group is smaller than
// 2³² numbers, by far.
typedef struct {
  uint rows[LOADS];
} Sources;

static inline Sources tile_sources(
    const Part part, const uint firstRow, const uint end, const uint item) {
  Sources sources;
  UNROLL
  for (uint load = 0; load < LOADS; ++load) {
    const uint row = min(firstRow + LOAD_ROW(item, load), end - 1);
    sources.rows[load] = row * part.stride + LOAD_VECTOR(item) * 4;
  }
  return sources;
}

// As stored: what the numbers mean is not asked before they are there.
static inline void load_tile(
    uint4 bits[LOADS], __global const uchar *numbers, const uint format, const Sources *sources,
    const uint k) {
  UNROLL
  for (uint load = 0; load < LOADS; ++load) {
    bits[load] = load_bits(numbers, sources->rows[load] + k, format);
  }
}

static inline void store_tile(
    __local float *tile, const uint4 bits[LOADS], const uint format, const float scale,
    const float4 shift, const uint item) {
  UNROLL
  for (uint load = 0; load < LOADS; ++load) {
    const float4 x = centered(four_from(bits[load], format), shift, scale);
    store_vector(tile, LOAD_ROW(item, load), LOAD_VECTOR(item), x);
  }
}

// Dimensions: slices × ITEMS, tiles.
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1)))
void gram_partials(
    __global const uchar *data, __global const Part *parts, __global const float *partScales,
    __global const float *shifts, __global const uint4 *slices, const uint firstSlice,
    const uint firstTile, const uint rows, const uint columns, __global float *partials) {
  __local float leftTiles[2][DEPTH * TILE] __attribute__((aligned(16)));
  __local float rightTiles[2][DEPTH * TILE] __attribute__((aligned(16)));
  const uint item = get_local_id(0);
  const uint y = ITEM_ROW(item);
  const uint x = ITEM_COLUMN(item);
  const uint4 slice = slices[firstSlice + get_group_id(0)];
  const Part part = parts[slice.x];
  const uint format = part.format;
  const float scale = partScales[slice.x];
  __global const uchar *numbers = data + part.offset;
  __global const float4 *partShifts =
      (__global const float4 *)(shifts + (ulong)part.firstBlock * BLOCK) + LOAD_VECTOR(item);
  const uint2 tile = matrix_tile(firstTile + get_group_id(1), (columns + TILE - 1) / TILE);
  const bool onDiagonal = columns == 0 && tile.x == tile.y;
  const uint firstColumn = columns ? rows : 0;
  const Sources leftSources = tile_sources(part, tile.x * TILE, rows, item);
  const Sources rightSources =
      tile_sources(part, firstColumn + tile.y * TILE, rows + columns, item);

  float4 sums[REGISTER_ROWS][COLUMN_RUNS];
  clear_sums(sums);
  uint4 left[LOADS];
  uint4 right[LOADS];
  load_tile(left, numbers, format, &leftSources, slice.y);
  if (!onDiagonal) load_tile(right, numbers, format, &rightSources, slice.y);
  float4 shift = partShifts[slice.y / 4];
  uint turn = 0;
  for (uint k = slice.y; k < slice.z; k += DEPTH) {
    store_tile(leftTiles[turn], left, format, scale, shift, item);
    if (!onDiagonal) store_tile(rightTiles[turn], right, format, scale, shift, item);
    barrier(CLK_LOCAL_MEM_FENCE);
    // The last step brings its own tile once more: past it there may be no memory.
    const uint next = min(k + DEPTH, slice.z - DEPTH);
    load_tile(left, numbers, format, &leftSources, next);
    if (!onDiagonal) load_tile(right, numbers, format, &rightSources, next);
    shift = partShifts[next / 4];
    if (onDiagonal) {
      multiply_tiles(leftTiles[turn], leftTiles[turn], y, x, true, sums);
    } else {
      multiply_tiles(leftTiles[turn], rightTiles[turn], y, x, false, sums);
    }
    turn ^= 1;
  }

  const ulong slot = (ulong)get_group_id(1) * get_num_groups(0) + get_group_id(0);
  store_sums(sums, y, x, partials + slot * (TILE * TILE));
}
