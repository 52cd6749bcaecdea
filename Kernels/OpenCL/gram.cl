// Partial Gram matrices of all parts of a group, one launch:
//
//   partial(i, j) = Σ_{k0 ≤ k < k1} x_ik · x_jk,   x_ik = (stored_ik − shift_k) · 2^−e
//
// The n × n matrix is cut into TILE × TILE tiles, of which those on or below the diagonal are made:
//   tile number t ↔ tile row I ≥ tile column J with t = I(I+1)/2 + J
// The features of a part are cut into slices; an entry of `slices` is (part, k0, k1, 0), in features
// of the part, multiples of BLOCK. A work-group makes one tile of one slice and writes it, row by
// row, TILE² numbers, to its slot:
//   slot = (tile − firstTile) · slices of this launch + (slice − firstSlice)
// reduce.cl adds the slices in their order. Conversion, centering and scaling happen on the way to
// local memory. Layout of the activations: see scalars.h. Rows past the last repeat it, and the
// entries they make are never read.
#ifndef CKA_SCALARS_H
#include "scalars.h"
#endif
#ifndef CKA_TILES_H
#include "tiles.h"
#endif
#ifndef CKA_TRIANGLE_H
#include "triangle.h"
#endif

// Rows and columns of a tile, a multiple of 32.
#ifndef TILE
#define TILE 64
#endif

// Rows and columns of the register tile of one work-item, a multiple of 4.
#ifndef REGISTERS
#define REGISTERS 8
#endif

// Features in local memory at a time: a multiple of 32 that divides BLOCK's multiples.
#define DEPTH 32

// Work-items along one side of a tile.
#define SIDE (TILE / REGISTERS)
#define ITEMS (SIDE * SIDE)
#define QUADS (REGISTERS / 4)

static inline void load_tile(
    __local float *tile, __global const uchar *numbers, const Part part,
    __global const float *shifts, const float scale, const uint firstRow, const uint n,
    const uint k, const uint item) {
  for (uint v = item; v < TILE * (DEPTH / 4); v += ITEMS) {
    const uint row = v / (DEPTH / 4);
    const uint quad = v % (DEPTH / 4) * 4;
    const ulong source = min(firstRow + row, n - 1);
    const float4 shift = ((__global const float4 *)shifts)[(k + quad) / 4];
    // (x − shift) · scale, in the order that cannot overflow; the products with scale are exact.
    const float4 x = load_four(numbers, source * part.stride + k + quad, part.format) * scale
        - shift * scale;
    tile[PLACE(quad, row)] = x.x;
    tile[PLACE(quad + 1, row)] = x.y;
    tile[PLACE(quad + 2, row)] = x.z;
    tile[PLACE(quad + 3, row)] = x.w;
  }
}

__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1)))
void gram_partials(
    __global const uchar *data, __global const Part *parts, __global const float *partScales,
    __global const float *shifts, __global const uint4 *slices, const uint firstSlice,
    const uint firstTile, const uint n, __global float *partials) {
  __local float leftTile[DEPTH * TILE] __attribute__((aligned(16)));
  __local float rightTile[DEPTH * TILE] __attribute__((aligned(16)));
  const uint item = get_local_id(0);
  const uint y = item / SIDE;
  const uint x = item % SIDE;
  const uint4 slice = slices[firstSlice + get_group_id(0)];
  const Part part = parts[slice.x];
  const float scale = partScales[slice.x];
  __global const uchar *numbers = data + part.offset;
  __global const float *partShifts = shifts + (ulong)part.firstBlock * BLOCK;

  const uint2 tile = triangle_tile(firstTile + get_group_id(1));
  const bool onDiagonal = tile.x == tile.y;
  __local const float *columns = onDiagonal ? leftTile : rightTile;

  float4 sums[REGISTERS][QUADS];
  for (uint r = 0; r < REGISTERS; ++r) {
    for (uint q = 0; q < QUADS; ++q) sums[r][q] = (float4)(0.0f);
  }
  for (uint k = slice.y; k < slice.z; k += DEPTH) {
    load_tile(leftTile, numbers, part, partShifts, scale, tile.x * TILE, n, k, item);
    if (!onDiagonal) {
      load_tile(rightTile, numbers, part, partShifts, scale, tile.y * TILE, n, k, item);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint depth = 0; depth < DEPTH; ++depth) {
      float4 column[QUADS];
      for (uint q = 0; q < QUADS; ++q) {
        column[q] = *(__local const float4 *)(columns + PLACE(depth, (q * SIDE + x) * 4));
      }
      for (uint q = 0; q < QUADS; ++q) {
        const float4 row = *(__local const float4 *)(leftTile + PLACE(depth, (q * SIDE + y) * 4));
        for (uint c = 0; c < QUADS; ++c) {
          sums[q * 4][c] = fma((float4)(row.x), column[c], sums[q * 4][c]);
          sums[q * 4 + 1][c] = fma((float4)(row.y), column[c], sums[q * 4 + 1][c]);
          sums[q * 4 + 2][c] = fma((float4)(row.z), column[c], sums[q * 4 + 2][c]);
          sums[q * 4 + 3][c] = fma((float4)(row.w), column[c], sums[q * 4 + 3][c]);
        }
      }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }

  const ulong slot = (ulong)get_group_id(1) * get_num_groups(0) + get_group_id(0);
  __global float *out = partials + slot * (TILE * TILE);
  for (uint r = 0; r < REGISTERS; ++r) {
    const uint row = (r / 4 * SIDE + y) * 4 + r % 4;
    for (uint q = 0; q < QUADS; ++q) {
      *(__global float4 *)(out + row * TILE + (q * SIDE + x) * 4) = sums[r][q];
    }
  }
}
