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
#include "tiles.h"
#endif
#ifndef CKA_TRIANGLE_H
#include "triangle.h"
#endif

// Rows and columns of a tile: layers. A multiple of 32.
#ifndef TILE
#define TILE 32
#endif

// Numbers of a row added in float32 before they go to a wide sum; a multiple of 32. Rounding grows
// with it, the cost of float64 on devices that are slow at it falls with it.
#ifndef FLUSH
#define FLUSH 128
#endif

// Numbers of a row in local memory at a time.
#define DEPTH 32

// Each work-item makes 4 × 4 products.
#define SIDE (TILE / 4)
#define ITEMS (SIDE * SIDE)

#define ALL_PAIRS 0
#define SYMMETRIC_PAIRS 1
#define EQUAL_PAIRS 2

static inline uint2 tile_position(const uint t, const uint tileColumns, const uint which) {
  if (which == EQUAL_PAIRS) return (uint2)(t, t);
  if (which == ALL_PAIRS) return (uint2)(t / tileColumns, t % tileColumns);
  return triangle_tile(t);
}

static inline void load_layers(
    __local float *tile, __global const float *stack, const uint first, const uint layers,
    const ulong layerStride, const ulong k, const uint item) {
  for (uint v = item; v < TILE * (DEPTH / 4); v += ITEMS) {
    const uint row = v / (DEPTH / 4);
    const uint quad = v % (DEPTH / 4) * 4;
    const ulong source = min(first + row, layers - 1);
    const float4 x = *(__global const float4 *)(stack + source * layerStride + k + quad);
    tile[PLACE(quad, row)] = x.x;
    tile[PLACE(quad + 1, row)] = x.y;
    tile[PLACE(quad + 2, row)] = x.z;
    tile[PLACE(quad + 3, row)] = x.w;
  }
}

// Dimensions: slices × ITEMS, tiles.
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1)))
void pair_partials(
    __global const float *left, const uint leftLayers, __global const float *right,
    const uint rightLayers, const ulong layerStride, const ulong sliceLength,
    const uint firstTile, const uint tileColumns, const uint which,
    __global wide *partials) {
  __local float leftTile[DEPTH * TILE] __attribute__((aligned(16)));
  __local float rightTile[DEPTH * TILE] __attribute__((aligned(16)));
  const uint item = get_local_id(0);
  const uint y = item / SIDE;
  const uint x = item % SIDE;
  const uint2 tile = tile_position(firstTile + get_group_id(1), tileColumns, which);
  const ulong begin = get_group_id(0) * sliceLength;
  const ulong end = min(begin + sliceLength, layerStride);

  wide totals[4][4];
  for (uint r = 0; r < 4; ++r) {
    for (uint c = 0; c < 4; ++c) totals[r][c] = wide_from(0);
  }
  for (ulong start = begin; start < end; start += FLUSH) {
    const ulong stop = min(start + FLUSH, end);
    float4 sums[4];
    for (uint r = 0; r < 4; ++r) sums[r] = (float4)(0.0f);
    for (ulong k = start; k < stop; k += DEPTH) {
      load_layers(leftTile, left, tile.x * TILE, leftLayers, layerStride, k, item);
      load_layers(rightTile, right, tile.y * TILE, rightLayers, layerStride, k, item);
      barrier(CLK_LOCAL_MEM_FENCE);
      for (uint depth = 0; depth < DEPTH; ++depth) {
        const float4 row = *(__local const float4 *)(leftTile + PLACE(depth, y * 4));
        const float4 column = *(__local const float4 *)(rightTile + PLACE(depth, x * 4));
        sums[0] = fma((float4)(row.x), column, sums[0]);
        sums[1] = fma((float4)(row.y), column, sums[1]);
        sums[2] = fma((float4)(row.z), column, sums[2]);
        sums[3] = fma((float4)(row.w), column, sums[3]);
      }
      barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (uint r = 0; r < 4; ++r) {
      totals[r][0] = wide_add(totals[r][0], wide_from(sums[r].x));
      totals[r][1] = wide_add(totals[r][1], wide_from(sums[r].y));
      totals[r][2] = wide_add(totals[r][2], wide_from(sums[r].z));
      totals[r][3] = wide_add(totals[r][3], wide_from(sums[r].w));
    }
  }

  const ulong slot = (ulong)get_group_id(1) * get_num_groups(0) + get_group_id(0);
  __global wide *out = partials + slot * (TILE * TILE);
  for (uint r = 0; r < 4; ++r) {
    for (uint c = 0; c < 4; ++c) out[(y * 4 + r) * TILE + x * 4 + c] = totals[r][c];
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
