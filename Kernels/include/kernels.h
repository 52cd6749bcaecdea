#pragma once

// The OpenCL C sources of `Kernels/OpenCL`, as strings that the binary carries along.

// Declarations that several kernels share.
extern const char *_Nonnull const cka_kernels_scalars;
extern const char *_Nonnull const cka_kernels_wide;
extern const char *_Nonnull const cka_kernels_mma;
extern const char *_Nonnull const cka_kernels_triangle;
extern const char *_Nonnull const cka_kernels_tiles;
extern const char *_Nonnull const cka_kernels_distances;

// One program each.
extern const char *_Nonnull const cka_kernels_features;
extern const char *_Nonnull const cka_kernels_gram;
extern const char *_Nonnull const cka_kernels_tensor;
extern const char *_Nonnull const cka_kernels_reduce;
extern const char *_Nonnull const cka_kernels_rbf;
extern const char *_Nonnull const cka_kernels_center;
extern const char *_Nonnull const cka_kernels_pairs;
extern const char *_Nonnull const cka_kernels_entries;
extern const char *_Nonnull const cka_kernels_cross;
extern const char *_Nonnull const cka_kernels_peak;
