// The lower triangle of a matrix: where its packed rows begin, and how its tiles are numbered. And a
// rectangle below its diagonal, which has `columns` numbers a row; a triangle has `columns` 0.
#ifndef CKA_TRIANGLE_H
#define CKA_TRIANGLE_H

// The place of row `row` of a packed triangle, with its diagonal or without.
#define ROW_START(row, hasDiagonal) \
  ((ulong)(row) * ((ulong)(row) + 1) / 2 - ((hasDiagonal) ? 0 : (row)))

// Row I ≥ column J of tile number t = I(I+1)/2 + J.
static inline uint2 triangle_tile(const uint t) {
  uint row = (uint)((sqrt(8.0f * (float)t + 1.0f) - 1.0f) * 0.5f);
  while ((ulong)row * (row + 1) / 2 > t) --row;  // what float32 rounded away
  while ((ulong)(row + 1) * (row + 2) / 2 <= t) ++row;
  return (uint2)(row, t - (uint)((ulong)row * (row + 1) / 2));
}

// Tile number t of a triangle or, row by row, of a rectangle.
static inline uint2 matrix_tile(const uint t, const uint tileColumns) {
  return tileColumns ? (uint2)(t / tileColumns, t % tileColumns) : triangle_tile(t);
}

// Where row `row` of a triangle or a rectangle begins, and how many numbers of it are below the
// diagonal.
static inline ulong row_start(const uint row, const uint columns, const uint hasDiagonal) {
  return columns ? (ulong)row * columns : ROW_START(row, hasDiagonal);
}
static inline uint row_length(const uint row, const uint columns) { return columns ? columns : row; }

#endif
