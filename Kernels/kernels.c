#include "kernels.h"

// `#embed` is C23; this toolchain's compiler knows it in C11 too.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const char scalars[] = {
#embed "OpenCL/scalars.h" suffix(, 0)
};
static const char wide[] = {
#embed "OpenCL/wide.h" suffix(, 0)
};
static const char triangle[] = {
#embed "OpenCL/triangle.h" suffix(, 0)
};
static const char tiles[] = {
#embed "OpenCL/tiles.h" suffix(, 0)
};
static const char distances[] = {
#embed "OpenCL/distances.h" suffix(, 0)
};
static const char features[] = {
#embed "OpenCL/features.cl" suffix(, 0)
};
static const char mma[] = {
#embed "OpenCL/mma.h" suffix(, 0)
};
static const char tensor[] = {
#embed "OpenCL/tensor.cl" suffix(, 0)
};
static const char gram[] = {
#embed "OpenCL/gram.cl" suffix(, 0)
};
static const char reduce[] = {
#embed "OpenCL/reduce.cl" suffix(, 0)
};
static const char rbf[] = {
#embed "OpenCL/rbf.cl" suffix(, 0)
};
static const char center[] = {
#embed "OpenCL/center.cl" suffix(, 0)
};
static const char pairs[] = {
#embed "OpenCL/pairs.cl" suffix(, 0)
};
static const char entries[] = {
#embed "OpenCL/entries.cl" suffix(, 0)
};
static const char cross[] = {
#embed "OpenCL/cross.cl" suffix(, 0)
};
static const char peak[] = {
#embed "OpenCL/peak.cl" suffix(, 0)
};

const char *_Nonnull const cka_kernels_scalars = scalars;
const char *_Nonnull const cka_kernels_wide = wide;
const char *_Nonnull const cka_kernels_triangle = triangle;
const char *_Nonnull const cka_kernels_tiles = tiles;
const char *_Nonnull const cka_kernels_distances = distances;
const char *_Nonnull const cka_kernels_features = features;
const char *_Nonnull const cka_kernels_mma = mma;
const char *_Nonnull const cka_kernels_tensor = tensor;
const char *_Nonnull const cka_kernels_gram = gram;
const char *_Nonnull const cka_kernels_reduce = reduce;
const char *_Nonnull const cka_kernels_rbf = rbf;
const char *_Nonnull const cka_kernels_center = center;
const char *_Nonnull const cka_kernels_pairs = pairs;
const char *_Nonnull const cka_kernels_entries = entries;
const char *_Nonnull const cka_kernels_cross = cross;
const char *_Nonnull const cka_kernels_peak = peak;
