// What features.cl and gram.cl share: how activations lie in a group's buffer.
//
// A group is a run of layers, or of feature ranges of layers, that were sent together. Each is a
// `Part`: n rows of `stride` stored numbers, row by row, from byte `offset`. `stride` is the number
// of features rounded up to BLOCK; the numbers in between are zeros, which add nothing to a Gram
// matrix, so that no kernel needs a bound in the direction of the features.
//   number (i, k) of a part: index i · stride + k, in numbers of the part's format
//   shift of its feature k:  shifts[firstBlock · BLOCK + k]
#ifndef CKA_SCALARS_H
#define CKA_SCALARS_H

// Features in a block: the unit that rows are padded to and that statistics are gathered in.
#ifndef BLOCK
#define BLOCK 32
#endif

// The formats of stored numbers.
#define FORMAT_FLOAT32 0
#define FORMAT_FLOAT16 1
#define FORMAT_BFLOAT16 2

// Flags of a part and of a layer.
#define FLAG_NOT_FINITE 1u
#define FLAG_VARIES 2u
// A part that begins its layer.
#define FLAG_FIRST 4u
// A part that the host has converted and centered: its own FLAG_VARIES counts.
#define FLAG_PREPARED 8u
// A layer whose RBF bandwidth is zero or not finite.
#define FLAG_NO_BANDWIDTH 16u
// A layer whose RBF matrix is kept as K − 1.
#define FLAG_LESS_ONE 32u

// Mirrored by `PartRecord` of the host: 32 bytes.
typedef struct {
  ulong offset;     // of the part's first number in the group's buffer, in bytes
  uint stride;      // numbers from row to row, a multiple of BLOCK
  uint firstBlock;  // the part's first block among those of the group
  uint layer;       // index of the layer in the minibatch
  uint format;      // FORMAT_…
  int exponent;     // what the host has divided the numbers by: 2^exponent
  uint flags;       // FLAG_…
} Part;

// Mirrored by `LayerRecord` of the host: 32 bytes.
typedef struct {
  int exponent;       // e: the layer's numbers count times 2^e, their products times 2^(2e)
  int rescaleOld;     // what the newest part changes: the sums so far times 2^(2·rescaleOld),
  int rescaleNew;     // the part's own times 2^(2·rescaleNew)
  uint flags;         // FLAG_…
  int gramExponent;   // the stored Gram matrix counts times 2^gramExponent, and 2^(2e) if linear
  float squaredNorm;  // of the stored entries that centering keeps, before centering
  float trace;        // linear: of the stored matrix; RBF: of the linear one, in units of 2^(2e)
  float bandwidth;    // RBF's σ², in units of 2^(2e)
} Layer;

// The four numbers from `index`, which is a multiple of 4, as they are stored. Parts begin at
// multiples of 128 bytes, so that these are aligned vector loads.
static inline uint4 load_bits(__global const uchar *numbers, ulong index, uint format) {
  if (format == FORMAT_FLOAT32) return ((__global const uint4 *)numbers)[index / 4];
  return (uint4)(((__global const uint2 *)numbers)[index / 4], 0, 0);
}

// What four numbers are as float32.
static inline float4 four_from(uint4 bits, uint format) {
  if (format == FORMAT_FLOAT32) return as_float4(bits);
  if (format == FORMAT_FLOAT16) return vload_half4(0, (const half *)&bits);
  return as_float4(convert_uint4(as_ushort4(bits.xy)) << 16);
}

// (x − shift) · scale, in the order that cannot overflow; the products with scale are exact.
static inline float4 centered(const float4 x, const float4 shift, const float scale) {
  return scale < 1 ? x * scale - shift * scale : (x - shift) * scale;
}

static inline float load_one(__global const uchar *numbers, ulong index, uint format) {
  if (format == FORMAT_FLOAT32) return ((__global const float *)numbers)[index];
  if (format == FORMAT_FLOAT16) return vload_half(index, (__global const half *)numbers);
  return as_float((uint)((__global const ushort *)numbers)[index] << 16);
}

#endif
