// Products of rows with weights of few bits, made floating point again in registers. quantize.torchscript has the format's other end.
#pragma once
#include "dots.h"
#include <type_traits>

namespace quiver {
namespace QUIVER_ISA {

// A matrix (out, in) of weights of few bits: codes of all rows, then scales of all rows. A row is filled up with zeros to whole blocks of
// BLOCK; each GROUP of its weights has one scale, and a weight is its code times that.
constexpr int64_t BLOCK = 64, GROUP = 32;

// Codes are bytes with a sign.
struct Int8 {
  static constexpr int64_t BLOCK_BYTES = BLOCK;
#ifdef __AVX512BF16__
  static inline __m512bh widened(const uint8_t *p) {
    __m512 low = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)));
    __m512 high = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p + 1)));
    return _mm512_cvtne2ps_pbh(high, low);
  }
  static inline void load(const uint8_t *p, __m512bh &first, __m512bh &second) {
    first = widened(p);
    second = widened(p + GROUP);
  }
#endif
  // Sixteen codes of a block.
  static inline Lanes load(const uint8_t *p, int64_t from) {
#ifdef __AVX512F__
    // Compilers make of the conversion below one for each number.
    return (Lanes)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(p + from))));
#else
    typedef int8_t Bytes __attribute__((vector_size(16)));
    Bytes bytes;
    memcpy(&bytes, p + from, 16);
    return __builtin_convertvector(bytes, Lanes);
#endif
  }
};

// Codes plus 8 are halves of bytes: of a block's 32 bytes the low halves are its first group, the high halves its second.
struct Int4 {
  static constexpr int64_t BLOCK_BYTES = BLOCK / 2;
#ifdef __AVX512BF16__
  static inline void load(const uint8_t *p, __m512bh &first, __m512bh &second) {
    // A table of the sixteen numbers, twice, since five bits look something up: the fifth is the high half's lowest.
    const __m512i numbers = _mm512_broadcast_i64x4(_mm256_setr_epi16((int16_t)0xC100, (int16_t)0xC0E0, (int16_t)0xC0C0, (int16_t)0xC0A0, (int16_t)0xC080, (int16_t)0xC040,
                                                                     (int16_t)0xC000, (int16_t)0xBF80, 0, 0x3F80, 0x4000, 0x4040, 0x4080, 0x40A0, 0x40C0, 0x40E0));
    __m512i halves = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)p));
    first = (__m512bh)_mm512_permutexvar_epi16(halves, numbers);
    second = (__m512bh)_mm512_permutexvar_epi16(_mm512_srli_epi16(halves, 4), numbers);
  }
#endif
  static inline Lanes load(const uint8_t *p, int64_t from) {
    typedef uint8_t Bytes __attribute__((vector_size(16)));
    Bytes bytes;
    memcpy(&bytes, p + from % GROUP, 16);
    bytes = from < GROUP ? bytes & 15 : bytes >> 4;
    typedef int32_t Whole __attribute__((vector_size(64)));
    return __builtin_convertvector(__builtin_convertvector(bytes, Whole), Lanes) - 8.f;
  }
};

// Some rows of such a matrix.
template <class C>
struct Coded {
  const uint8_t *codes;
  const bfloat16 *scales;
  int64_t n, blocks;

  // Rows from `first` on of a matrix of `rows`.
  Coded(const void *matrix, int64_t rows, int64_t n, int64_t first) : n(n), blocks((n + BLOCK - 1) / BLOCK) {
    codes = (const uint8_t *)matrix + first * blocks * C::BLOCK_BYTES;
    scales = (const bfloat16 *)((const uint8_t *)matrix + rows * blocks * C::BLOCK_BYTES) + first * blocks * (BLOCK / GROUP);
  }
};

// A block of weights as bfloat16.
template <class C>
inline void dequantize(const uint8_t *block, const bfloat16 *scales, bfloat16 *to) {
#pragma GCC unroll 4
  for (int64_t i = 0; i < BLOCK; i += LANES) put(to + i, C::load(block, i) * number(scales[i / GROUP]));
}

// The first rows of such a matrix as bfloat16, row after row.
template <class C>
inline void dequantize(const Coded<C> &w, int64_t rows, bfloat16 *to) {
  const int64_t full = w.n / BLOCK;
  for (int64_t r = 0; r < rows; r++, to += w.n) {
    const uint8_t *codes = w.codes + r * w.blocks * C::BLOCK_BYTES;
    const bfloat16 *scales = w.scales + r * w.blocks * 2;
    for (int64_t b = 0; b < full; b++) dequantize<C>(codes + b * C::BLOCK_BYTES, scales + b * 2, to + b * BLOCK);
    if (full < w.blocks) {
      bfloat16 last[BLOCK];
      dequantize<C>(codes + full * C::BLOCK_BYTES, scales + full * 2, last);
      memcpy(to + full * BLOCK, last, (w.n - full * BLOCK) * sizeof(bfloat16));
    }
  }
}

// Adds one block of R rows times M rows of x to their sums. codes and scales are the first row's, the next rows' follow at a row's distance.
template <class C, int R, int M>
inline __attribute__((always_inline)) void add_block(const Coded<C> &w, const uint8_t *codes, const bfloat16 *scales, const typename Activation<bfloat16>::type *const *x,
                                                     Lanes (&acc)[R][M]) {
  // Sums must stay in registers.
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
    const uint8_t *block = codes + r * w.blocks * C::BLOCK_BYTES;
    const Lanes low = all(number(scales[r * w.blocks * 2])), high = all(number(scales[r * w.blocks * 2 + 1]));
#ifdef __AVX512BF16__
    __m512bh one, two;
    C::load(block, one, two);
    const __m512 zero = _mm512_setzero_ps();
#pragma GCC unroll 4
    for (int m = 0; m < M; m++) {
      acc[r][m] += low * (Lanes)_mm512_dpbf16_ps(zero, one, pairs(x[m]));
      acc[r][m] += high * (Lanes)_mm512_dpbf16_ps(zero, two, pairs(x[m] + GROUP));
    }
#else
    Lanes part[4];
    for (int i = 0; i < 4; i++) part[i] = C::load(block, i * LANES);
    for (int m = 0; m < M; m++) {
      acc[r][m] += low * (part[0] * load(x[m]) + part[1] * load(x[m] + LANES));
      acc[r][m] += high * (part[2] * load(x[m] + 2 * LANES) + part[3] * load(x[m] + 3 * LANES));
    }
#endif
  }
}

// out[m * out_stride + r] = w[first + r] . x[m] for R rows of w and M of x. As with Dots the order of the additions does not depend on R and M.
template <class C, int R, int M>
inline void coded_dots(const Coded<C> &w, int64_t first, const typename Activation<bfloat16>::type *x, int64_t x_stride, float *out, int64_t out_stride) {
  typedef typename Activation<bfloat16>::type X;
  Lanes acc[R][M] = {};
  const uint8_t *codes = w.codes + first * w.blocks * C::BLOCK_BYTES;
  const bfloat16 *scales = w.scales + first * w.blocks * 2;
  const X *mine[M];
  int64_t b = 0;
  for (; (b + 1) * BLOCK <= w.n; b++) {
    for (int m = 0; m < M; m++) mine[m] = x + m * x_stride + b * BLOCK;
    add_block<C, R, M>(w, codes + b * C::BLOCK_BYTES, scales + b * 2, mine, acc);
  }
  if (b < w.blocks) {
    // What lies behind a row of x is not read.
    X last[M][BLOCK] = {};
    for (int m = 0; m < M; m++) {
      memcpy(last[m], x + m * x_stride + b * BLOCK, (w.n - b * BLOCK) * sizeof(X));
      mine[m] = last[m];
    }
    add_block<C, R, M>(w, codes + b * C::BLOCK_BYTES, scales + b * 2, mine, acc);
  }
  float *to[M];
  for (int m = 0; m < M; m++) to[m] = out + m * out_stride;
  sum_each<R, M>(acc, to);
}

template <class C, int R>
inline void coded_dots(const Coded<C> &w, int64_t first, const typename Activation<bfloat16>::type *x, int64_t x_stride, int many, float *out, int64_t out_stride) {
  int m = 0;
  for (; m + 4 <= many; m += 4) coded_dots<C, R, 4>(w, first, x + m * x_stride, x_stride, out + m * out_stride, out_stride);
  for (; m < many; m++) coded_dots<C, R, 1>(w, first, x + m * x_stride, x_stride, out + m * out_stride, out_stride);
}

template <class C>
inline void multiply(const Coded<C> &w, int64_t rows, const typename Activation<bfloat16>::type *x, int64_t x_stride, int many, float *out, int64_t out_stride) {
  int64_t r = 0;
  for (; many == 1 && r + 8 <= rows; r += 8) coded_dots<C, 8, 1>(w, r, x, x_stride, out + r, out_stride);
  for (; r + 4 <= rows; r += 4) coded_dots<C, 4>(w, r, x, x_stride, many, out + r, out_stride);
  for (; r < rows; r++) coded_dots<C, 1>(w, r, x, x_stride, many, out + r, out_stride);
}

// out[m * out_stride + r] = row `first` + r of a matrix (height, n) times x[m], for so many rows of it and of x. bits: 8 or 4 if its weights
// are coded, else they are W.
template <class W>
inline void multiply_rows(int64_t bits, const void *matrix, int64_t height, int64_t n, int64_t first, int64_t rows, const typename Activation<W>::type *x,
                          int64_t x_stride, int many, float *out, int64_t out_stride) {
  if constexpr (std::is_same<W, bfloat16>::value) {
    if (bits == 8) return multiply(Coded<Int8>(matrix, height, n, first), rows, x, x_stride, many, out, out_stride);
    if (bits == 4) return multiply(Coded<Int4>(matrix, height, n, first), rows, x, x_stride, many, out, out_stride);
  }
  multiply((const W *)matrix + first * n, rows, n, x, x_stride, many, out, out_stride);
}

}  // namespace QUIVER_ISA
}  // namespace quiver
