// Partial Gram matrices on tensor cores: gram.cl's work, tables, tiles and slots, for the parts whose
// products 16-bit numbers can make.
//
//   partial(i, j) = Σ_{k0 ≤ k < k1} x_ik · x_jk · 2^(−2e),   x_ik = stored_ik − shift_k
//
// How, is decided part by part (`tensor_scales`):
//   SPLIT        x · 2^−t = high + low, two float16 of together 22 bits or more; the largest |x| · 2^−t
//                is in [2^13, 2^15), so that what float16 loses below 2^−25 is 2^−38 of it or less.
//                high·high + high·low + low·high: three passes
//   ROUND        high alone: one pass
//   RAW_HALF     stored float16 as they are, no shift: products are exact, centering the Gram matrix
//                takes the means out: one pass
//   RAW_BFLOAT   the same for bfloat16
//
// A program makes the parts of its own modes, and leaves the slots of all others alone:
//   PASSES 3               SPLIT
//   PASSES 1               ROUND, RAW_HALF
//   PASSES 1, BFLOAT16     RAW_BFLOAT
//
// Inside the tensor core sums are cut off, not rounded. So a chain of products over 16 or 32
// features begins at zero, and is added to the long sum outside, with rounding: no drift.
#ifndef CKA_SCALARS_H
#include "scalars.h"
#endif
#ifndef CKA_TRIANGLE_H
#include "triangle.h"
#endif
#ifndef CKA_MMA_H
#include "mma.h"
#endif

// Rows and columns of a tile: 64 or 128.
#ifndef TILE
#define TILE 128
#endif

// 3, or 1.
#ifndef PASSES
#define PASSES 3
#endif

#define SPLIT 0
#define ROUND 1
#define RAW_HALF 2
#define RAW_BFLOAT 3

#if PASSES == 3
#define IS_OWN(mode) ((mode) == SPLIT)
#elif defined(BFLOAT16)
#define IS_OWN(mode) ((mode) == RAW_BFLOAT)
#else
#define IS_OWN(mode) ((mode) == ROUND || (mode) == RAW_HALF)
#endif

// How a part is made: 16 bytes.
typedef struct {
  float before;  // x · 2^−t = (stored · before − shift · before) · scale, which cannot overflow
  float scale;
  float after;  // 2^(t−e): a sum times its square is in units of 2^(2e)
  uint mode;
} TensorPart;

// Work-items that share the blocks of one part.
#ifndef PART_LANES
#define PART_LANES 64
#endif

// One work-group a part.
//   floatMode     SPLIT or ROUND: how numbers of 32 bits are made
//   offsetLimit   16-bit numbers are multiplied raw where the means are small beside the spread:
//                 Σ mean² · √features ≤ offsetLimit · Σ variance
__kernel __attribute__((reqd_work_group_size(PART_LANES, 1, 1)))
void tensor_scales(
    __global const Part *parts, __global const float *partScales, __global const float *blockRanges,
    __global const float2 *blockMoments, const uint floatMode, const float offsetLimit,
    __global TensorPart *tensorParts) {
  __local float ranges[PART_LANES];
  __local float2 moments[PART_LANES];
  const uint lane = get_local_id(0);
  const uint index = get_group_id(0);
  const Part part = parts[index];
  const uint end = part.firstBlock + part.stride / BLOCK;
  ranges[lane] = 0;
  moments[lane] = (float2)(0.0f);
  for (uint block = part.firstBlock + lane; block < end; block += PART_LANES) {
    ranges[lane] = fmax(ranges[lane], blockRanges[block]);
    moments[lane] += blockMoments[block];
  }
  for (uint reach = PART_LANES / 2; reach > 0; reach /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (lane < reach) {
      ranges[lane] = fmax(ranges[lane], ranges[lane + reach]);
      moments[lane] += moments[lane + reach];
    }
  }
  if (lane != 0) return;

  const float range = ranges[0];
  const float partScale = partScales[index];
  TensorPart result = {1.0f, 1.0f, partScale, SPLIT};
  // The largest |x| lies between `range`, half of a feature's extent, and twice that. The lower bound
  // keeps 2^−t finite, and what it costs is below the spacing of float32 itself there.
  if (range > 0 && range < INFINITY) {
    const int t = max(ilogb(range) - 13, -126);
    result.before = t > 0 ? 0.5f : 1.0f;
    result.scale = t > 0 ? ldexp(1.0f, 1 - t) : ldexp(1.0f, -t);
    result.after = ldexp(partScale, t);
  }
  if (part.format == FORMAT_FLOAT32) {
    result.mode = floatMode;
  } else if (
      partScale == 1
      && moments[0].x * sqrt((float)part.stride) <= offsetLimit * moments[0].y) {
    result.mode = part.format == FORMAT_FLOAT16 ? RAW_HALF : RAW_BFLOAT;
    result.after = 1;
  }
  tensorParts[index] = result;
}

// A tile in local memory has rows of 64 bytes, 4 chunks of 8 numbers: 32 features; or 16 features,
// their high halves in chunks 0 and 1 and the low ones in 2 and 3.
#define FEATURES (PASSES == 3 ? 16 : 32)
#define CHUNKS 4
// Chunks are permuted with the row, so that the 8 rows of a matrix, and 4 rows being stored, meet all
// 32 banks.
#define PLACE(row, chunk) \
  ((row) * CHUNKS + ((chunk) ^ (((row) >> 1 & 1) << 1 | ((row) >> 2 & 1))))

// Two by four warps share a tile; each has ROW_TILES × COLUMN_TILES products of 16 × 8.
#define WARPS_DOWN 2
#define WARPS_ACROSS 4
#define ITEMS (WARPS_DOWN * WARPS_ACROSS * 32)
#define ROW_TILES (TILE / WARPS_DOWN / 16)
#define COLUMN_TILES (TILE / WARPS_ACROSS / 8)

// Each work-item brings four features of LOADS rows.
#define QUADS (FEATURES / 4)
#define LOADS (TILE * QUADS / ITEMS)
#define LOAD_ROW(item, load) (((item) + (load) * ITEMS) / QUADS)

// Four numbers as they are stored; those of 16 bits take half the space.
// Vectors are put together from components: Oclgrind crashes on those made of shorter vectors.
static inline uint4 stored_quad(
    __global const uchar *numbers, const uint quad, const uint format) {
  if (format == FORMAT_FLOAT32) return ((__global const uint4 *)numbers)[quad];
  const uint2 pairs = ((__global const uint2 *)numbers)[quad];
  return (uint4)(pairs.x, pairs.y, 0, 0);
}

#ifndef BFLOAT16
static inline float4 quad_values(const uint4 stored, const uint format) {
  if (format == FORMAT_FLOAT32) return as_float4(stored);
  if (format == FORMAT_FLOAT16) {
    const float2 first = unpack_halves(stored.x);
    const float2 last = unpack_halves(stored.y);
    return (float4)(first.x, first.y, last.x, last.y);
  }
  return as_float4((uint4)(stored.x << 16, stored.x & 0xFFFF0000u, stored.y << 16,
                           stored.y & 0xFFFF0000u));
}
#endif

static inline void load_tile(
    uint4 stored[LOADS], __global const uchar *numbers, const Part part, const uint firstRow,
    const uint n, const uint k, const uint item) {
  UNROLL for (uint load = 0; load < LOADS; ++load) {
    const uint row = min(firstRow + LOAD_ROW(item, load), n - 1);
    stored[load] = stored_quad(
        numbers, row * (part.stride / 4) + k / 4 + item % QUADS, part.format);
  }
}

static inline void store_tile(
    __local uint4 *tile, const uint4 stored[LOADS], const uint format, const TensorPart tensor,
    const float4 shift, const uint item) {
  const uint quad = item % QUADS;
  UNROLL for (uint load = 0; load < LOADS; ++load) {
    const uint row = LOAD_ROW(item, load);
    __local uint2 *high = (__local uint2 *)(tile + PLACE(row, quad / 2)) + quad % 2;
#ifdef BFLOAT16
    *high = (uint2)(stored[load].x, stored[load].y);
#else
    if (tensor.mode == RAW_HALF) {
      *high = (uint2)(stored[load].x, stored[load].y);
      continue;
    }
    const float4 x =
        fma(quad_values(stored[load], format), tensor.before, -shift * tensor.before) * tensor.scale;
    const uint2 rounded = (uint2)(pack_halves(x.x, x.y), pack_halves(x.z, x.w));
    *high = rounded;
#if PASSES == 3
    const float2 first = unpack_halves(rounded.x);
    const float2 last = unpack_halves(rounded.y);
    *((__local uint2 *)(tile + PLACE(row, 2 + quad / 2)) + quad % 2) = (uint2)(
        pack_halves(x.x - first.x, x.y - first.y), pack_halves(x.z - last.x, x.w - last.y));
#endif
#endif
  }
}

// Registers of A for 16 rows from `row`, chunks `chunk` and the next.
static inline void load_left(
    const Warp warp, __local const uint4 *tile, const uint row, const uint chunk, uint a[4]) {
  load_matrices(warp, tile, PLACE(row + warp.lane % 16, chunk + warp.lane / 16), a);
}

// Registers of B for 16 columns from `column`: two for the first 8, two for the others.
static inline void load_right(
    const Warp warp, __local const uint4 *tile, const uint column, const uint chunk, uint b[4]) {
  const uint row = column + warp.lane / 16 * 8 + warp.lane % 8;
  load_matrices(warp, tile, PLACE(row, chunk + warp.lane / 8 % 2), b);
}

// sums += the products of one step's features.
static inline void multiply_tiles(
    const Warp warp, __local const uint4 *left, __local const uint4 *right, const uint firstRow,
    const uint firstColumn, float sums[ROW_TILES][COLUMN_TILES][4]) {
  uint a[2][ROW_TILES][4];
  UNROLL for (uint i = 0; i < ROW_TILES; ++i) {
    load_left(warp, left, firstRow + i * 16, 0, a[0][i]);
    load_left(warp, left, firstRow + i * 16, 2, a[1][i]);
  }
  UNROLL for (uint j = 0; j < COLUMN_TILES; j += 2) {
    uint b[2][4];
    load_right(warp, right, firstColumn + j * 8, 0, b[0]);
    load_right(warp, right, firstColumn + j * 8, 2, b[1]);
    float chains[ROW_TILES][2][4];
    UNROLL for (uint i = 0; i < ROW_TILES; ++i) {
      UNROLL for (uint r = 0; r < 8; ++r) chains[i][r / 4][r % 4] = 0;
    }
    // Pass by pass over all products: what depends on one another lies apart. Small terms first.
    UNROLL for (uint pass = 0; pass < (PASSES == 3 ? 3 : 2); ++pass) {
      const uint ofA = PASSES == 3 ? pass == 0 : pass;
      const uint ofB = pass == 1;
      UNROLL for (uint i = 0; i < ROW_TILES; ++i) {
        multiply_add(warp, chains[i][0], a[ofA][i], b[ofB]);
        multiply_add(warp, chains[i][1], a[ofA][i], b[ofB] + 2);
      }
    }
    UNROLL for (uint i = 0; i < ROW_TILES; ++i) {
      UNROLL for (uint r = 0; r < 8; ++r) sums[i][j + r / 4][r % 4] += chains[i][r / 4][r % 4];
    }
  }
}

// Dimensions: slices × ITEMS, tiles.
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1)))
void tensor_partials(
    __global const uchar *data, __global const Part *parts,
    __global const TensorPart *tensorParts, __global const float *shifts,
    __global const uint4 *slices, const uint firstSlice, const uint firstTile, const uint n,
    __global float *partials) {
  __local uint4 leftTiles[2][TILE * CHUNKS] __attribute__((aligned(16)));
  __local uint4 rightTiles[2][TILE * CHUNKS] __attribute__((aligned(16)));
  const uint item = get_local_id(0);
  Warp warp;
  warp.lane = item % 32;
#ifdef CKA_EMULATE_MMA
  __local uint exchange[ITEMS / 32][WARP_EXCHANGE];
  warp.exchange = exchange[item / 32];
#endif
  const uint4 slice = slices[firstSlice + get_group_id(0)];
  const TensorPart tensor = tensorParts[slice.x];
  if (!IS_OWN(tensor.mode)) return;
  const Part part = parts[slice.x];
  __global const uchar *numbers = data + part.offset;
  __global const float4 *partShifts =
      (__global const float4 *)(shifts + (ulong)part.firstBlock * BLOCK) + item % QUADS;
  const uint2 tile = triangle_tile(firstTile + get_group_id(1));
  const bool onDiagonal = tile.x == tile.y;
  const uint firstRow = item / 32 / WARPS_ACROSS * (TILE / WARPS_DOWN);
  const uint firstColumn = item / 32 % WARPS_ACROSS * (TILE / WARPS_ACROSS);

  float sums[ROW_TILES][COLUMN_TILES][4];
  UNROLL for (uint i = 0; i < ROW_TILES; ++i) {
    UNROLL for (uint j = 0; j < COLUMN_TILES; ++j) {
      UNROLL for (uint r = 0; r < 4; ++r) sums[i][j][r] = 0;
    }
  }
  // The next step's numbers are on their way to registers while this one's are multiplied.
  uint4 left[LOADS];
  uint4 right[LOADS];
  load_tile(left, numbers, part, tile.x * TILE, n, slice.y, item);
  if (!onDiagonal) load_tile(right, numbers, part, tile.y * TILE, n, slice.y, item);
  float4 shift = partShifts[slice.y / 4];
  uint stage = 0;
  for (uint k = slice.y; k < slice.z; k += FEATURES) {
    store_tile(leftTiles[stage], left, part.format, tensor, shift, item);
    if (!onDiagonal) store_tile(rightTiles[stage], right, part.format, tensor, shift, item);
    // One barrier a step: nobody still reads the stage that the next step writes.
    barrier(CLK_LOCAL_MEM_FENCE);
    const uint next = min(k + FEATURES, slice.z - FEATURES);
    load_tile(left, numbers, part, tile.x * TILE, n, next, item);
    if (!onDiagonal) load_tile(right, numbers, part, tile.y * TILE, n, next, item);
    shift = partShifts[next / 4];
    multiply_tiles(
        warp, leftTiles[stage], onDiagonal ? leftTiles[stage] : rightTiles[stage], firstRow,
        firstColumn, sums);
    stage ^= 1;
  }

  const ulong slot = (ulong)get_group_id(1) * get_num_groups(0) + get_group_id(0);
  __global float *out = partials + slot * (TILE * TILE);
  UNROLL for (uint i = 0; i < ROW_TILES; ++i) {
    UNROLL for (uint j = 0; j < COLUMN_TILES; ++j) {
      UNROLL for (uint r = 0; r < 4; r += 2) {
        const uint row = firstRow + i * 16 + warp.lane / 4 + r / 2 * 8;
        const uint column = firstColumn + j * 8 + warp.lane % 4 * 2;
        // Twice, because the square of `after` need not be a float32.
        const float2 pair = (float2)(sums[i][j][r], sums[i][j][r + 1]) * tensor.after;
        *(__global float2 *)(out + row * TILE + column) = pair * tensor.after;
      }
    }
  }
}
