#include "pairs.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__)

#include <immintrin.h>

#define VERSION __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx512bf16")))
// Rows of a register tile, whose sums are in 2 × ROWS registers.
#define ROWS 8
#define LANES 16

bool cka_has_pairs(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")
    && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
    && __builtin_cpu_supports("avx512bf16");
}

VERSION double cka_pair_offset(
  const void *const *rows, size_t n, size_t first, size_t count
) {
  enum { SAMPLES = 16, RUN = 64 };
  size_t samples = n < SAMPLES ? n : SAMPLES;
  double means = 0, spread = 0;
  for (size_t start = 0; start < count; start += RUN) {
    size_t width = count - start < RUN ? count - start : RUN;
    float sums[RUN] = {0}, squares[RUN] = {0};
    for (size_t s = 0; s < samples; s++) {
      uint16_t numbers[RUN] = {0};
      memcpy(
        numbers, (const uint16_t *)rows[s * n / samples] + first + start, width * sizeof *numbers);
      for (size_t k = 0; k < RUN; k++) {
        uint32_t bits = (uint32_t)numbers[k] << 16;
        float x;
        memcpy(&x, &bits, sizeof x);
        sums[k] += x;
        squares[k] += x * x;
      }
    }
    for (size_t k = 0; k < width; k++) {
      double mean = (double)sums[k] / (double)samples;
      means += mean * mean;
      spread += fmax((double)squares[k] / (double)samples - mean * mean, 0);
    }
  }
  // Numbers that are not finite fit nowhere.
  if (!(means <= 0x1p126 && spread <= 0x1p126)) return INFINITY;
  return means == 0 ? 0 : means / spread;
}


// Four perfect shuffles turn 16 rows into columns.
VERSION static inline void transpose(__m512i rows[LANES]) {
  const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const __m512i high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#pragma clang loop unroll(full)
  for (int stage = 0; stage < 4; stage++) {
    __m512i next[LANES];
#pragma clang loop unroll(full)
    for (int i = 0; i < LANES / 2; i++) {
      next[2 * i] = _mm512_permutex2var_epi32(rows[i], low, rows[i + LANES / 2]);
      next[2 * i + 1] = _mm512_permutex2var_epi32(rows[i], high, rows[i + LANES / 2]);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < LANES; i++) rows[i] = next[i];
  }
}

VERSION cka_pair_statistics cka_pack_pairs(
  const void *const *rows, size_t n, size_t first, size_t count, uint32_t *panels
) {
  // How far ahead of what is read the next numbers of a row are fetched.
  enum { AHEAD = 256 };
  size_t pairs = (count + 1) / 2;
  __m512i largest = _mm512_setzero_si512();
  const __m512i magnitude = _mm512_set1_epi16(0x7fff), upper = _mm512_set1_epi32((int)0xffff0000);
  __mmask16 differing = 0;
  for (size_t group = 0; group * LANES < (n + CKA_PAIR_ROWS - 1) / CKA_PAIR_ROWS * CKA_PAIR_ROWS;
       group++) {
    uint32_t *out = panels + group / 2 * pairs * CKA_PAIR_ROWS + group % 2 * LANES;
    size_t present = group * LANES < n ? (n - group * LANES < LANES ? n - group * LANES : LANES) : 0;
    for (size_t pair = 0; pair < pairs; pair += LANES) {
      size_t width = count - 2 * pair < 2 * LANES ? count - 2 * pair : 2 * LANES;
      __mmask32 mask = width == 2 * LANES ? 0xffffffffu : (1u << width) - 1;
      const __m512i one =
        _mm512_maskz_loadu_epi16(mask, (const uint16_t *)rows[0] + first + 2 * pair);
      __m512 one_upper = _mm512_castsi512_ps(_mm512_and_si512(one, upper));
      __m512 one_lower = _mm512_castsi512_ps(_mm512_slli_epi32(one, 16));
      __m512i numbers[LANES];
#pragma clang loop unroll(full)
      for (size_t r = 0; r < LANES; r++) {
        numbers[r] = _mm512_setzero_si512();
        if (r >= present) continue;
        const uint16_t *row = (const uint16_t *)rows[group * LANES + r] + first + 2 * pair;
        __builtin_prefetch((const char *)row + AHEAD, 0, 3);
        numbers[r] = _mm512_maskz_loadu_epi16(mask, row);
        largest = _mm512_max_epu16(largest, _mm512_and_si512(numbers[r], magnitude));
        // As numbers: 0 and −0 are the same.
        differing |= _mm512_cmp_ps_mask(
          _mm512_castsi512_ps(_mm512_and_si512(numbers[r], upper)), one_upper, _CMP_NEQ_UQ);
        differing |= _mm512_cmp_ps_mask(
          _mm512_castsi512_ps(_mm512_slli_epi32(numbers[r], 16)), one_lower, _CMP_NEQ_UQ);
      }
      transpose(numbers);
      size_t kept = pairs - pair < LANES ? pairs - pair : LANES;
      for (size_t p = 0; p < kept; p++) {
        _mm512_storeu_si512(out + (pair + p) * CKA_PAIR_ROWS, numbers[p]);
      }
    }
  }
  uint16_t magnitudes[2 * LANES], most = 0;
  memcpy(magnitudes, &largest, sizeof magnitudes);
  for (int i = 0; i < 2 * LANES; i++) most = magnitudes[i] > most ? magnitudes[i] : most;
  uint32_t bits = (uint32_t)most << 16;
  cka_pair_statistics found = {.varies = differing != 0};
  memcpy(&found.largest, &bits, sizeof bits);
  return found;
}

// C[ROWS × vectors·LANES] += A·Bᵀ of two panels; the constant `vectors` <= 2 is known where it is inlined.
VERSION static inline __attribute__((always_inline)) void tile(
  const int vectors, const uint32_t *a, const uint32_t *b, size_t pairs, float *c, size_t stride
) {
  __m512 sum[ROWS][2];
#pragma clang loop unroll(full)
  for (int i = 0; i < ROWS; i++) {
    for (int v = 0; v < vectors; v++) {
      __builtin_prefetch(c + (size_t)i * stride + v * LANES, 1, 3);
      sum[i][v] = _mm512_setzero_ps();
    }
  }
  for (size_t pair = 0; pair < pairs; pair++, a += CKA_PAIR_ROWS, b += CKA_PAIR_ROWS) {
    __m512bh right[2];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      right[v] = (__m512bh)_mm512_loadu_si512(b + v * LANES);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < ROWS; i++) {
      __m512bh left = (__m512bh)_mm512_set1_epi32((int)a[i]);
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) sum[i][v] = _mm512_dpbf16_ps(sum[i][v], left, right[v]);
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < ROWS; i++, c += stride) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      float *target = c + v * LANES;
      _mm512_storeu_ps(target, _mm512_add_ps(_mm512_loadu_ps(target), sum[i][v]));
    }
  }
}

VERSION void cka_multiply_pairs(
  const uint32_t *left, size_t rows, const uint32_t *right, size_t columns, size_t pairs, bool lower,
  float *c, size_t stride
) {
  size_t panel = pairs * CKA_PAIR_ROWS;
  // The right panel stays in the first cache while those of the left stream past it.
  for (size_t column = 0; column * CKA_PAIR_ROWS < columns; column++) {
    const uint32_t *b = right + column * panel;
    for (size_t row = lower ? column : 0; row * CKA_PAIR_ROWS < rows; row++) {
      const uint32_t *a = left + row * panel;
      for (size_t i = 0; i < CKA_PAIR_ROWS && row * CKA_PAIR_ROWS + i < rows; i += ROWS) {
        float *target = c + (row * CKA_PAIR_ROWS + i) * stride + column * CKA_PAIR_ROWS;
        // Half a tile is enough where the diagonal leaves the rest above it.
        if (lower && row == column && i + ROWS <= LANES) {
          tile(1, a + i, b, pairs, target, stride);
        } else {
          tile(2, a + i, b, pairs, target, stride);
        }
      }
    }
  }
}

#else

bool cka_has_pairs(void) { return false; }

// Nobody calls these.

double cka_pair_offset(const void *const *rows, size_t n, size_t first, size_t count) {
  return INFINITY;
}

cka_pair_statistics cka_pack_pairs(
  const void *const *rows, size_t n, size_t first, size_t count, uint32_t *panels
) {
  return (cka_pair_statistics){.largest = INFINITY};
}

void cka_multiply_pairs(
  const uint32_t *left, size_t rows, const uint32_t *right, size_t columns, size_t pairs, bool lower,
  float *c, size_t stride
) {}

#endif
