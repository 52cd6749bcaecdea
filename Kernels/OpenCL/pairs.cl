// ⟨Kᵢ, Lⱼ⟩ of every layer i of one chunk of a stack and j of another:
//
//   product(i, j) = Σ_k left[i · layerStride + k] · right[j · layerStride + k]
//
// over the packed triangles, which center.cl has scaled so that this plain product is ⟨K, L⟩.
// The matrix of products is cut into TILE × TILE tiles, the packed triangle into slices of
// `sliceLength` (a multiple of 32). A work-group makes one tile of one slice in its slot:
//   slot = (tile − firstTile) · slices + slice,  TILE² numbers of `wide`, row by row
// Which tiles are made, and where tile number t lies:
//   ALL_PAIRS:       tile row t / tileColumns, tile column t % tileColumns
//   SYMMETRIC_PAIRS: a chunk with itself, tile row I ≥ tile column J with t = I(I+1)/2 + J
//   EQUAL_PAIRS:     a chunk with itself, tile (t, t), of which only the diagonal is kept
// A product's terms are added in the same order in each, so that its bits are the same.
// Products are added in float32 for FLUSH terms, then to a `wide` sum. `reduce_pairs` adds the
// slices in their order.
#ifndef CKA_WIDE_H
#include "wide.h"
#endif
#ifndef CKA_TILES_H
// Layers in a tile. Each work-item has as many wide sums as float32 ones: few of them.
#define TILE 32
#define REGISTER_ROWS 4
#define REGISTER_COLUMNS 4
#define DEPTH 16
#include "tiles.h"
#endif
#ifndef CKA_TRIANGLE_H
#include "triangle.h"
#endif

// Numbers of a row added in float32 before they go to a wide sum; a multiple of 32. Rounding grows
// with it, the cost of float64 on devices that are slow at it falls with it.
#ifndef FLUSH
#define FLUSH 128
#endif

#define ALL_PAIRS 0
#define SYMMETRIC_PAIRS 1
#define EQUAL_PAIRS 2

static inline uint2 tile_position(const uint t, const uint tileColumns, const uint which) {
  if (which == EQUAL_PAIRS) return (uint2)(t, t);
  if (which == ALL_PAIRS) return (uint2)(t / tileColumns, t % tileColumns);
  return triangle_tile(t);
}

// Where one work-item's loads of a tile begin: four numbers of LOADS layers.
typedef struct {
  __global const float *layers[LOADS];
} Sources;

static inline Sources tile_sources(
    __global const float *stack, const uint first, const uint layers, const ulong layerStride,
    const uint item) {
  Sources sources;
  UNROLL
  for (uint load = 0; load < LOADS; ++load) {
    const ulong layer = min(first + LOAD_ROW(item, load), layers - 1);
    sources.layers[load] = stack + layer * layerStride + LOAD_VECTOR(item) * 4;
  }
  return sources;
}

static inline void load_tile(float4 numbers[LOADS], const Sources *sources, const ulong k) {
  UNROLL
  for (uint load = 0; load < LOADS; ++load) {
    numbers[load] = *(__global const float4 *)(sources->layers[load] + k);
  }
}

static inline void store_tile(__local float *tile, const float4 numbers[LOADS], const uint item) {
  UNROLL
  for (uint load = 0; load < LOADS; ++load) {
    store_vector(tile, LOAD_ROW(item, load), LOAD_VECTOR(item), numbers[load]);
  }
}

// Dimensions: slices × ITEMS, tiles.
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1)))
void pair_partials(
    __global const float *left, const uint leftLayers, __global const float *right,
    const uint rightLayers, const ulong layerStride, const ulong sliceLength,
    const uint firstTile, const uint tileColumns, const uint which,
    __global wide *partials) {
  __local float leftTiles[2][DEPTH * TILE] __attribute__((aligned(16)));
  __local float rightTiles[2][DEPTH * TILE] __attribute__((aligned(16)));
  const uint item = get_local_id(0);
  const uint y = ITEM_ROW(item);
  const uint x = ITEM_COLUMN(item);
  const uint2 tile = tile_position(firstTile + get_group_id(1), tileColumns, which);
  const ulong begin = get_group_id(0) * sliceLength;
  const ulong end = min(begin + sliceLength, layerStride);
  const Sources leftSources = tile_sources(left, tile.x * TILE, leftLayers, layerStride, item);
  const Sources rightSources = tile_sources(right, tile.y * TILE, rightLayers, layerStride, item);

  wide totals[REGISTER_ROWS][REGISTER_COLUMNS];
  float4 sums[REGISTER_ROWS][COLUMN_RUNS];
  UNROLL
  for (uint r = 0; r < REGISTER_ROWS; ++r) {
    UNROLL
    for (uint c = 0; c < REGISTER_COLUMNS; ++c) totals[r][c] = wide_from(0);
    UNROLL
    for (uint c = 0; c < COLUMN_RUNS; ++c) sums[r][c] = (float4)(0.0f);
  }
  float4 leftNumbers[LOADS];
  float4 rightNumbers[LOADS];
  load_tile(leftNumbers, &leftSources, begin);
  load_tile(rightNumbers, &rightSources, begin);
  uint turn = 0;
  for (ulong k = begin; k < end; k += DEPTH) {
    store_tile(leftTiles[turn], leftNumbers, item);
    store_tile(rightTiles[turn], rightNumbers, item);
    barrier(CLK_LOCAL_MEM_FENCE);
    // The last step brings its own tile once more: past it there may be no memory.
    const ulong next = min(k + DEPTH, end - DEPTH);
    load_tile(leftNumbers, &leftSources, next);
    load_tile(rightNumbers, &rightSources, next);
    multiply_tiles(leftTiles[turn], rightTiles[turn], y, x, false, sums);
    turn ^= 1;
    if ((k + DEPTH - begin) % FLUSH != 0 && k + DEPTH < end) continue;
    UNROLL
    for (uint r = 0; r < REGISTER_ROWS; ++r) {
      UNROLL
      for (uint c = 0; c < COLUMN_RUNS; ++c) {
        totals[r][c * 4] = wide_add(totals[r][c * 4], wide_from(sums[r][c].x));
        totals[r][c * 4 + 1] = wide_add(totals[r][c * 4 + 1], wide_from(sums[r][c].y));
        totals[r][c * 4 + 2] = wide_add(totals[r][c * 4 + 2], wide_from(sums[r][c].z));
        totals[r][c * 4 + 3] = wide_add(totals[r][c * 4 + 3], wide_from(sums[r][c].w));
        sums[r][c] = (float4)(0.0f);
      }
    }
  }

  const ulong slot = (ulong)get_group_id(1) * get_num_groups(0) + get_group_id(0);
  __global wide *out = partials + slot * (TILE * TILE);
  UNROLL
  for (uint r = 0; r < REGISTER_ROWS; ++r) {
    const uint row = (r / 4 * SIDE_ROWS + y) * 4 + r % 4;
    UNROLL
    for (uint c = 0; c < REGISTER_COLUMNS; ++c) {
      out[row * TILE + (c / 4 * SIDE_COLUMNS + x) * 4 + c % 4] = totals[r][c];
    }
  }
}

// products[i · rightLayers + j] and, if symmetric, its mirror image; products[i] of equal pairs.
// Dimensions: entries of a tile, tiles.
__kernel void reduce_pairs(
    __global const wide *partials, const uint slices, const uint firstTile,
    const uint tileColumns, const uint which, const uint leftLayers,
    const uint rightLayers, __global wide *products) {
  const uint entry = get_global_id(0);
  const uint2 tile = tile_position(firstTile + get_global_id(1), tileColumns, which);
  const uint i = tile.x * TILE + entry / TILE;
  const uint j = tile.y * TILE + entry % TILE;
  if (i >= leftLayers || j >= rightLayers) return;
  if (which == SYMMETRIC_PAIRS && j > i) return;
  if (which == EQUAL_PAIRS && j != i) return;
  __global const wide *partial =
      partials + (ulong)get_global_id(1) * slices * (TILE * TILE) + entry;
  wide sum = wide_from(0);
  for (uint s = 0; s < slices; ++s) {
    sum = wide_add(sum, partial[(ulong)s * (TILE * TILE)]);
  }
  if (which == EQUAL_PAIRS) {
    products[i] = sum;
  } else {
    products[(ulong)i * rightLayers + j] = sum;
    if (which == SYMMETRIC_PAIRS) products[(ulong)j * rightLayers + i] = sum;
  }
}
