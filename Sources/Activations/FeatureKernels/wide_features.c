#include "wide_features.h"

#include <math.h>
#include <string.h>

// A number's bits in this machine's byte order.
#define DEFINE_LOAD(bits)                                                \
  static inline uint##bits##_t load_##bits(const char *at, bool swapped) { \
    uint##bits##_t v;                                                    \
    memcpy(&v, at, sizeof v);                                            \
    return swapped ? __builtin_bswap##bits(v) : v;                       \
  }
DEFINE_LOAD(16)
DEFINE_LOAD(32)
DEFINE_LOAD(64)

static inline double float64(const char *at, bool swapped) {
  uint64_t bits = load_64(at, swapped);
  double v;
  memcpy(&v, &bits, sizeof v);
  return v;
}

static inline double float32(const char *at, bool swapped) {
  uint32_t bits = load_32(at, swapped);
  float v;
  memcpy(&v, &bits, sizeof v);
  return v;
}

static inline double bfloat16(const char *at, bool swapped) {
  uint32_t bits = (uint32_t)load_16(at, swapped) << 16;
  float v;
  memcpy(&v, &bits, sizeof v);
  return v;
}

static inline double half(uint32_t h) {
  uint32_t exponent = h >> 10 & 0x1f;
  double magnitude;
  if (exponent == 0x1f) {
    magnitude = h & 0x3ff ? NAN : INFINITY;
  } else if (exponent == 0) {
    magnitude = ldexp(h & 0x3ff, -24);
  } else {
    magnitude = ldexp((h & 0x3ff) | 0x400, (int)exponent - 25);
  }
  return h & 0x8000 ? -magnitude : magnitude;
}

static inline double float16(const char *at, bool swapped) { return half(load_16(at, swapped)); }

static inline double float8_e5m2(const char *at) { return half((uint32_t)(unsigned char)*at << 8); }

// A sign, four bits of exponent, three of mantissa; all ones are NaN, and nothing is infinite.
static inline double float8_e4m3(const char *at) {
  unsigned bits = (unsigned char)*at;
  unsigned exponent = bits >> 3 & 0xf, mantissa = bits & 7;
  double magnitude;
  if ((bits & 0x7f) == 0x7f) {
    magnitude = NAN;
  } else if (exponent == 0) {
    magnitude = ldexp(mantissa, -9);
  } else {
    magnitude = ldexp(mantissa | 8, (int)exponent - 10);
  }
  return bits & 0x80 ? -magnitude : magnitude;
}

// a − b exactly, rounded once to float64.
static inline double difference_i64(int64_t a, int64_t b) {
  return (double)((__int128)a - (__int128)b);
}

static inline double difference_u64(uint64_t a, uint64_t b) {
  return a >= b ? (double)(a - b) : -(double)(b - a);
}

#define FLOATING(read) (read(x, swapped) - read(y, swapped))
#define SMALL(type) ((double)(type)*(const unsigned char *)x - (double)(type)*(const unsigned char *)y)
#define INTEGER(type, bits) \
  ((double)(type)load_##bits(x, swapped) - (double)(type)load_##bits(y, swapped))

// One loop for each type, so that the type is known inside.
#define LOOP(difference)                                                             \
  for (size_t i = 0; i < n; i++) {                                                   \
    size_t stride = f->feature_strides[i], first_stride = f->feature_strides[0];     \
    for (size_t k = 0; k < count; k++) {                                             \
      const char *x = (const char *)f->rows[i] + (first + k) * f->channel_stride * stride; \
      const char *y = (const char *)f->rows[0] + (first + k) * f->channel_stride * first_stride; \
      double sum = 0;                                                                \
      for (size_t p = 0; p < f->positions; p++) {                                    \
        sum += (difference);                                                         \
        x += f->position_stride * stride;                                            \
        y += f->position_stride * first_stride;                                      \
      }                                                                              \
      out[i * count + k] = sum / (double)f->positions;                               \
    }                                                                                \
  }                                                                                  \
  return;

void cka_wide_differences(
  const cka_wide_features *f, size_t n, size_t first, size_t count, double *out
) {
  bool swapped = f->swapped;
  switch (f->type) {
    case CKA_WIDE_FLOAT16: LOOP(FLOATING(float16))
    case CKA_WIDE_BFLOAT16: LOOP(FLOATING(bfloat16))
    case CKA_WIDE_FLOAT8_E4M3: LOOP((float8_e4m3(x) - float8_e4m3(y)))
    case CKA_WIDE_FLOAT8_E5M2: LOOP((float8_e5m2(x) - float8_e5m2(y)))
    case CKA_WIDE_FLOAT32: LOOP(FLOATING(float32))
    case CKA_WIDE_FLOAT64: LOOP(FLOATING(float64))
    case CKA_WIDE_INT8: LOOP(SMALL(int8_t))
    case CKA_WIDE_UINT8: LOOP(SMALL(uint8_t))
    case CKA_WIDE_BOOL: LOOP(((double)(*x != 0) - (double)(*y != 0)))
    case CKA_WIDE_INT16: LOOP(INTEGER(int16_t, 16))
    case CKA_WIDE_UINT16: LOOP(INTEGER(uint16_t, 16))
    case CKA_WIDE_INT32: LOOP(INTEGER(int32_t, 32))
    case CKA_WIDE_UINT32: LOOP(INTEGER(uint32_t, 32))
    case CKA_WIDE_INT64:
      LOOP(difference_i64((int64_t)load_64(x, swapped), (int64_t)load_64(y, swapped)))
    case CKA_WIDE_UINT64: LOOP(difference_u64(load_64(x, swapped), load_64(y, swapped)))
  }
}

double cka_wide_center(double *d, size_t n, size_t count, bool *constant) {
  double largest = 0;
  bool zero = true;
  for (size_t k = 0; k < count; k++) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
      double v = d[i * count + k];
      zero &= v == 0;
      sum += v / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
      double v = d[i * count + k] - sum;
      d[i * count + k] = v;
      double magnitude = fabs(v);
      if (!(magnitude <= largest)) largest = magnitude;
    }
    if (!isfinite(largest)) return NAN;
  }
  *constant = zero;
  return largest;
}
