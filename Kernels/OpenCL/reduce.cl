// Adds the slices of gram.cl, in their order, to the layers' Gram matrices:
//
//   K_ij ← K_ij · 2^(2·rescaleOld) + Σ_slices partial(i, j) · 2^(2·rescaleNew)
//
// one float32 sum from the first slice of a layer to its last, however they were spread over
// launches: the bits do not depend on how much memory there was.
//
// K is kept as it will be stored: packed by rows, below the diagonal, and the diagonal apart.
//   (i, j), i > j: stack[(layer − firstLayer) · layerStride + i(i−1)/2 + j]           unbiased
//                  stack[(layer − firstLayer) · layerStride + i(i+1)/2 + j]           biased
//   (i, i):        diagonals[(layer − firstLayer) · rows + i]
// A rectangle (`columns` > 0) has no diagonal: (i, j) lies at … + i · columns + j.
// Tiles, slots: see gram.cl.
#ifndef CKA_SCALARS_H
#include "scalars.h"
#endif
#ifndef CKA_TRIANGLE_H
#include "triangle.h"
#endif

// Rows and columns of a tile of gram.cl.
#ifndef TILE
#define TILE 64
#endif

// Work-items in a work-group, which divides TILE².
#ifndef REDUCE_LANES
#define REDUCE_LANES 256
#endif

// How a segment begins: with nothing, after another part of the layer, within its part.
#define BEGIN_LAYER 0
#define BEGIN_PART 1
#define CONTINUE_PART 2

// A segment is (part, first slice of the launch, slices, BEGIN_… or CONTINUE_…).
// Dimensions: entries of a tile, tiles, segments.
__kernel __attribute__((reqd_work_group_size(REDUCE_LANES, 1, 1)))
void reduce_slices(
    __global const float *partials, __global const uint4 *segments, const uint firstSegment,
    const uint sliceCount, const uint firstTile, __global const Part *parts,
    __global const Layer *layers, const uint rows, const uint columns, const uint hasDiagonal,
    const uint firstLayer, const ulong layerStride, __global float *stack, __global float *diagonals) {
  const uint entry = get_global_id(0);
  const uint t = firstTile + get_global_id(1);
  const uint2 tile = matrix_tile(t, (columns + TILE - 1) / TILE);
  const uint i = tile.x * TILE + entry / TILE;
  const uint j = tile.y * TILE + entry % TILE;
  const bool onDiagonal = columns == 0 && i == j;
  if (i >= rows || j >= row_length(i, columns) + onDiagonal) return;

  const uint4 segment = segments[firstSegment + get_global_id(2)];
  const uint layer = parts[segment.x].layer;
  const Layer record = layers[layer];
  const float scale = ldexp(1.0f, 2 * record.rescaleNew);
  __global const float *partial =
      partials + ((ulong)get_global_id(1) * sliceCount + segment.y) * (TILE * TILE) + entry;
  const ulong chunkLayer = layer - firstLayer;
  __global float *sum = onDiagonal
      ? diagonals + chunkLayer * rows + i
      : stack + chunkLayer * layerStride + row_start(i, columns, hasDiagonal) + j;

  float total = 0;
  if (segment.w == CONTINUE_PART) total = *sum;
  if (segment.w == BEGIN_PART) total = *sum * ldexp(1.0f, 2 * record.rescaleOld);
  for (uint s = 0; s < segment.z; ++s) {
    total += partial[(ulong)s * (TILE * TILE)] * scale;
  }
  *sum = total;
}
