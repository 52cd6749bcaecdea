// Products of two tiles in local memory, shared by gram.cl and pairs.cl:
//
//   sums(row, column) += Σ_{k < DEPTH} left(row, k) · right(column, k)
//
// A tile is TILE rows of DEPTH numbers. A work-item makes REGISTER_ROWS × REGISTER_COLUMNS of the
// TILE × TILE sums, as runs of four rows and four columns that are spread over the tile:
//   run q of rows, number r:     row    (q · SIDE_ROWS + y) · 4 + r
//   run c of columns, number r:  column (c · SIDE_COLUMNS + x) · 4 + r
// Each sum takes its terms in the order of k, whatever the shape: its bits do not depend on it.
//
// While a tile is multiplied, the next one is on its way to registers, which are then stored to
// the other half of the local memory: one barrier a step, and the memory's latency is hidden.
//
// gram.cl counted for NVIDIA's GPUs of 2022 to 2024 (128 float32 units, 4 schedulers and 65,536
// registers a multiprocessor), TILE 64, 8 × 8, DEPTH 8:
//   registers    158 for sm_90 and no spills, says NVIDIA's assembler: 64 sums, 16 operands, 16
//                numbers on their way, shifts, addresses. 6 groups of 2 warps are resident.
//   local memory 2 · 2 · 64 · 8 · 4 bytes = 8 KiB a group, 48 KiB a multiprocessor
//   a step of k  64 multiply-adds for 4 vector loads a work-item. A warp's loads move 4 · 2 rows of
//                128 bytes, 8 cycles; its multiply-adds take 16: arithmetic is the limit
//   instructions beside the 64: 4 loads and 2 stores of local memory, half a load of global memory,
//                2 to convert and center, about 1 to count: 64 of 74
//   second cache 2 · 64 · 4 bytes for 4,096 multiply-adds, 32 cycles: 16 bytes a cycle, 14 with
//                the diagonal's tiles; at 0.75 of the peak of 132 multiprocessors 2.8 TB/s
// At 256 rows 0.89 of the sums that are made are useful (see IS_ABOVE), at 2,048 rows 0.98: 0.7 of
// the peak in the loop gives 0.6 useful. An estimate: no such device was at hand.
#ifndef CKA_TILES_H
#define CKA_TILES_H

// Rows and columns of a tile, a multiple of 32.
#ifndef TILE
#define TILE 64
#endif

// Rows and columns of one work-item, multiples of 4. TILE / REGISTER_ROWS must be a multiple of 4,
// TILE / REGISTER_COLUMNS one of 8.
#ifndef REGISTER_ROWS
#define REGISTER_ROWS 8
#endif
#ifndef REGISTER_COLUMNS
#define REGISTER_COLUMNS 8
#endif

// Numbers of a row in local memory at a time: 8, 16 or 32.
#ifndef DEPTH
#define DEPTH 8
#endif

// Before loops whose counters number registers: rolled up, they would need memory for them.
#define UNROLL _Pragma("unroll")

// Work-items along both sides of a tile.
#define SIDE_ROWS (TILE / REGISTER_ROWS)
#define SIDE_COLUMNS (TILE / REGISTER_COLUMNS)
#define ITEMS (SIDE_ROWS * SIDE_COLUMNS)
#define ROW_RUNS (REGISTER_ROWS / 4)
#define COLUMN_RUNS (REGISTER_COLUMNS / 4)

// A work-item's place. 32 consecutive ones make a patch of 4 × 8, in which neighbors share their
// columns and the next pair their rows: their vector loads from local memory become one.
#define PATCHES (SIDE_COLUMNS / 8)
#define ITEM_ROW(item) ((item) / 32 / PATCHES * 4 + (item) % 32 / 16 * 2 + (item) % 2)
#define ITEM_COLUMN(item) ((item) / 32 % PATCHES * 8 + (item) % 16 / 2)

// Vectors of four numbers in a row, and how many of a tile's each work-item brings.
#define VECTORS (DEPTH / 4)
#define LOADS (TILE * VECTORS / ITEMS)

// Local memory holds a tile number by number, so that a work-item reads four rows at once. Rows are
// permuted with k: 32 work-items, which store VECTORS vectors of neighboring rows, then meet all 32
// banks.
#define PLACE(k, row) ((k) * TILE + ((row) ^ ((k) / 4 * (32 / VECTORS))))

// Which row and which vector of it load number `load` of a work-item brings. The vector is the same
// in all of them: VECTORS divides ITEMS.
#define LOAD_ROW(item, load) (((item) + (load) * ITEMS) / VECTORS)
#define LOAD_VECTOR(item) ((item) % VECTORS)

// Whether all of rows' run q lies above all of columns' run c. On the diagonal nobody reads these.
#define IS_ABOVE(q, c) (((q) + 1) * SIDE_ROWS <= (c) * SIDE_COLUMNS)

static inline void store_vector(
    __local float *tile, const uint row, const uint vector, const float4 x) {
  tile[PLACE(vector * 4, row)] = x.x;
  tile[PLACE(vector * 4 + 1, row)] = x.y;
  tile[PLACE(vector * 4 + 2, row)] = x.z;
  tile[PLACE(vector * 4 + 3, row)] = x.w;
}

static inline void clear_sums(float4 sums[REGISTER_ROWS][COLUMN_RUNS]) {
  UNROLL
  for (uint r = 0; r < REGISTER_ROWS; ++r) {
    UNROLL
    for (uint c = 0; c < COLUMN_RUNS; ++c) sums[r][c] = (float4)(0.0f);
  }
}

// Writes a work-item's sums to their places in a tile of TILE × TILE numbers.
static inline void store_sums(
    float4 sums[REGISTER_ROWS][COLUMN_RUNS], const uint y, const uint x, __global float *out) {
  UNROLL
  for (uint r = 0; r < REGISTER_ROWS; ++r) {
    const uint row = (r / 4 * SIDE_ROWS + y) * 4 + r % 4;
    UNROLL
    for (uint c = 0; c < COLUMN_RUNS; ++c) {
      *(__global float4 *)(out + row * TILE + (c * SIDE_COLUMNS + x) * 4) = sums[r][c];
    }
  }
}

static inline void multiply_tiles(
    __local const float *left, __local const float *right, const uint y, const uint x,
    const bool onDiagonal, float4 sums[REGISTER_ROWS][COLUMN_RUNS]) {
  UNROLL
  for (uint k = 0; k < DEPTH; ++k) {
    float4 columns[COLUMN_RUNS];
    UNROLL
    for (uint c = 0; c < COLUMN_RUNS; ++c) {
      columns[c] = *(__local const float4 *)(right + PLACE(k, (c * SIDE_COLUMNS + x) * 4));
    }
    UNROLL
    for (uint q = 0; q < ROW_RUNS; ++q) {
      const float4 rows = *(__local const float4 *)(left + PLACE(k, (q * SIDE_ROWS + y) * 4));
      UNROLL
      for (uint c = 0; c < COLUMN_RUNS; ++c) {
        if (onDiagonal && IS_ABOVE(q, c)) continue;
        sums[q * 4][c] = fma((float4)(rows.x), columns[c], sums[q * 4][c]);
        sums[q * 4 + 1][c] = fma((float4)(rows.y), columns[c], sums[q * 4 + 1][c]);
        sums[q * 4 + 2][c] = fma((float4)(rows.z), columns[c], sums[q * 4 + 2][c]);
        sums[q * 4 + 3][c] = fma((float4)(rows.w), columns[c], sums[q * 4 + 3][c]);
      }
    }
  }
}

#endif
