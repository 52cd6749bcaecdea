// Tiles of TILE rows in local memory, shared by gram.cl and pairs.cl.
#ifndef CKA_TILES_H
#define CKA_TILES_H

// Local memory holds a tile feature by feature, so that a work-item reads four rows at once. The
// group of four rows is permuted with the feature: writing four features of neighboring rows then
// meets all 32 banks.
#define PLACE(k, row) ((k) * TILE + ((row) ^ ((((k) >> 2) & 7) << 2)))

#endif
