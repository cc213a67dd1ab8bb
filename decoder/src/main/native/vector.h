// Sixteen float32 lanes on whatever the instruction set has, and the weights' two types.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#ifdef __AVX512BF16__
#include <immintrin.h>
#endif

namespace quiver {
namespace QUIVER_ISA {

typedef float Lanes __attribute__((vector_size(64)));
typedef uint32_t Bits __attribute__((vector_size(64)));
typedef uint16_t Halves __attribute__((vector_size(32)));
constexpr int64_t LANES = 16;

struct bfloat16 {
  uint16_t bits;
};

inline float number(float x) { return x; }
inline float number(bfloat16 x) {
  uint32_t bits = (uint32_t)x.bits << 16;
  float y;
  memcpy(&y, &bits, 4);
  return y;
}

inline Lanes load(const float *p) {
  Lanes v;
  memcpy(&v, p, 64);
  return v;
}
inline Lanes load(const bfloat16 *p) {
  Halves h;
  memcpy(&h, p, 32);
  Bits wide = __builtin_convertvector(h, Bits) << 16;
  return (Lanes)wide;
}
inline void store(float *p, Lanes v) { memcpy(p, &v, 64); }

inline Lanes all(float x) { return x - Lanes{}; }

inline float sum(Lanes v) {
#ifdef __AVX512F__
  return _mm512_reduce_add_ps((__m512)v);
#else
  float s[16];
  memcpy(s, &v, 64);
  for (int width = 8; width > 0; width /= 2)
    for (int i = 0; i < width; i++) s[i] += s[i + width];
  return s[0];
#endif
}

// To the nearest, ties to even.
inline bfloat16 rounded(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  if ((bits & 0x7fffffff) > 0x7f800000) return {(uint16_t)(bits >> 16 | 0x40)};
  return {(uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}
inline void put(float *to, float x) { *to = x; }
inline void put(bfloat16 *to, float x) { *to = rounded(x); }

// Sixteen at once; what is not a number stays none.
inline void put(float *to, Lanes x) { store(to, x); }
inline void put(bfloat16 *to, Lanes x) {
#ifdef __AVX512BF16__
  __m256bh v = _mm512_cvtneps_pbh((__m512)x);
  memcpy(to, &v, 32);
#else
  Bits bits = (Bits)x;
  Bits rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  bits = (bits & 0x7fffffff) > 0x7f800000 ? bits >> 16 | 0x40 : rounded;
  Halves halves = __builtin_convertvector(bits, Halves);
  memcpy(to, &halves, 32);
#endif
}

// exp to about 2e-7: 2^n times a polynomial in what is left, |rest| <= ln(2)/2.
inline Lanes exponential(Lanes x) {
  x = x < -87.f ? all(-87.f) : x;
  x = x > 88.f ? all(88.f) : x;
  typedef int32_t Whole __attribute__((vector_size(64)));
  Lanes shifted = x * 1.44269504f;
  Lanes half = shifted < 0.f ? all(-.5f) : all(.5f);
  Whole n = __builtin_convertvector(shifted + half, Whole);
  Lanes whole = __builtin_convertvector(n, Lanes);
  Lanes rest = x - whole * 0.693359375f;
  rest = rest + whole * 2.12194440e-4f;
  Lanes y = all(1.9875691500e-4f);
  y = y * rest + 1.3981999507e-3f;
  y = y * rest + 8.3334519073e-3f;
  y = y * rest + 4.1665795894e-2f;
  y = y * rest + 1.6666665459e-1f;
  y = y * rest + 5.0000001201e-1f;
  y = y * rest * rest + rest + 1.f;
  Bits scale = (Bits)(n + 127) << 23;
  return y * (Lanes)scale;
}

#ifdef __AVX512F__
// 2^x: a Taylor series in what is left of the nearest whole number, to about 3e-7, or ROUGH to 5e-5. What is far below counts as nothing.
template <bool ROUGH = false>
inline Lanes power_of_two(Lanes x) {
  __m512 at = _mm512_max_ps((__m512)x, _mm512_set1_ps(-150.f)), whole = _mm512_roundscale_ps(at, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  Lanes rest = (Lanes)at - (Lanes)whole, y = all(9.6181291e-3f);
  if (!ROUGH) y = (rest * 1.5403530e-4f + 1.3333558e-3f) * rest + y;
  y = y * rest + 5.5504109e-2f;
  y = y * rest + 2.4022651e-1f;
  y = y * rest + 6.9314718e-1f;
  y = y * rest + 1.f;
  return (Lanes)_mm512_scalef_ps((__m512)y, whole);
}
#endif

// out[m][r] = sum(x[r][m]), each with the same additions in the same order as alone.
template <int R, int M>
inline void sum_each(const Lanes (&x)[R][M], float *const (&out)[M]) {
#ifdef __AVX512F__
  if constexpr (R == 4 && M == 4) {
    // All sixteen at once: halves, quarters, pairs and neighbours are added, and what belongs to one m ends up side by side.
    __m512 a[8], b[4], c[2];
    auto at = [&](int i) { return (__m512)x[i / 4][i % 4]; };
    for (int i = 0; i < 8; i++) a[i] = _mm512_shuffle_f32x4(at(2 * i), at(2 * i + 1), 0x44) + _mm512_shuffle_f32x4(at(2 * i), at(2 * i + 1), 0xEE);
    for (int i = 0; i < 4; i++) b[i] = _mm512_shuffle_f32x4(a[2 * i], a[2 * i + 1], 0x88) + _mm512_shuffle_f32x4(a[2 * i], a[2 * i + 1], 0xDD);
    for (int i = 0; i < 2; i++) c[i] = _mm512_shuffle_ps(b[2 * i], b[2 * i + 1], 0x44) + _mm512_shuffle_ps(b[2 * i], b[2 * i + 1], 0xEE);
    __m512 d = _mm512_shuffle_ps(c[0], c[1], 0x88) + _mm512_shuffle_ps(c[0], c[1], 0xDD);
    _mm_storeu_ps(out[0], _mm512_castps512_ps128(d));
    _mm_storeu_ps(out[1], _mm512_extractf32x4_ps(d, 1));
    _mm_storeu_ps(out[2], _mm512_extractf32x4_ps(d, 2));
    _mm_storeu_ps(out[3], _mm512_extractf32x4_ps(d, 3));
    return;
  }
#endif
  for (int r = 0; r < R; r++)
    for (int m = 0; m < M; m++) out[m][r] = sum(x[r][m]);
}

// What a weight is multiplied with: float32 for float32 weights; for bfloat16 ones the activation rounded to bfloat16, kept in the
// form in which the instruction set multiplies it.
template <class W>
struct Activation {
  typedef float type;
};
#ifdef __AVX512BF16__
template <>
struct Activation<bfloat16> {
  typedef bfloat16 type;
};
#endif

template <class W>
inline void round_all(const float *x, int64_t n, typename Activation<W>::type *to) {
  for (int64_t i = 0; i < n; i++) to[i] = x[i];
}
#ifdef __AVX512BF16__
template <>
inline void round_all<bfloat16>(const float *x, int64_t n, bfloat16 *to) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    __m256bh v = _mm512_cvtneps_pbh(_mm512_loadu_ps(x + i));
    memcpy(to + i, &v, 32);
  }
  for (; i < n; i++) to[i] = rounded(x[i]);
}
#else
template <>
inline void round_all<bfloat16>(const float *x, int64_t n, float *to) {
  for (int64_t i = 0; i < n; i++) to[i] = number(rounded(x[i]));
}
#endif

// to[m][at + r] = w[r] . x[m] for R rows of w that lie together and M rows of x that lie anywhere. The order of the additions does not depend on
// R and M: a row's result is the same bits alone and in a batch.
// LINES of 64 bytes from `ahead` on are asked for in every round, whoever will need them.
template <class W, int R, int M, int LINES = 0>
struct Dots {
  typedef typename Activation<W>::type X;
  static inline void run(const W *w, int64_t n, const X *const *x, float *const *to, int64_t at, const char *ahead = nullptr) {
    Lanes acc[R][M] = {};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
      for (int line = 0; line < LINES; line++, ahead += 64) __builtin_prefetch(ahead);
      Lanes a[R];
      for (int r = 0; r < R; r++) a[r] = load(w + r * n + i);
      for (int m = 0; m < M; m++) {
        Lanes b = load(x[m] + i);
        for (int r = 0; r < R; r++) acc[r][m] += a[r] * b;
      }
    }
    if (i < n) {
      for (int r = 0; r < R; r++) {
        W last[LANES] = {};
        memcpy(last, w + r * n + i, (n - i) * sizeof(W));
        for (int m = 0; m < M; m++) {
          X mine[LANES] = {};
          memcpy(mine, x[m] + i, (n - i) * sizeof(X));
          acc[r][m] += load(last) * load(mine);
        }
      }
    }
    float *out[M];
    for (int m = 0; m < M; m++) out[m] = to[m] + at;
    sum_each<R, M>(acc, out);
  }
};

#ifdef __AVX512BF16__
inline __m512bh pairs(const bfloat16 *p) {
  __m512bh v;
  memcpy(&v, p, 64);
  return v;
}
inline __m512bh pairs(const bfloat16 *p, int64_t count) { return (__m512bh)_mm512_maskz_loadu_epi16((__mmask32)((1ull << count) - 1), p); }

template <int R, int M, int LINES>
struct Dots<bfloat16, R, M, LINES> {
  static inline void run(const bfloat16 *w, int64_t n, const bfloat16 *const *x, float *const *to, int64_t at, const char *ahead = nullptr) {
    Lanes acc[R][M] = {};
    int64_t i = 0;
    for (; i + 32 <= n; i += 32) {
      for (int line = 0; line < LINES; line++, ahead += 64) __builtin_prefetch(ahead);
      __m512bh a[R];
      for (int r = 0; r < R; r++) a[r] = pairs(w + r * n + i);
      for (int m = 0; m < M; m++) {
        __m512bh b = pairs(x[m] + i);
        for (int r = 0; r < R; r++) acc[r][m] = (Lanes)_mm512_dpbf16_ps((__m512)acc[r][m], a[r], b);
      }
    }
    if (i < n)
      for (int m = 0; m < M; m++) {
        __m512bh b = pairs(x[m] + i, n - i);
        for (int r = 0; r < R; r++) acc[r][m] = (Lanes)_mm512_dpbf16_ps((__m512)acc[r][m], pairs(w + r * n + i, n - i), b);
      }
    float *out[M];
    for (int m = 0; m < M; m++) out[m] = to[m] + at;
    sum_each<R, M>(acc, out);
  }
};
#endif

// out[m * out_stride + r] = w[r] . x[m], rows of x one after the other.
template <class W, int R, int M, int LINES = 0>
inline void dots_of(const W *w, int64_t n, const typename Activation<W>::type *x, int64_t x_stride, float *out, int64_t out_stride, const char *ahead = nullptr) {
  const typename Activation<W>::type *from[M];
  float *to[M];
  for (int m = 0; m < M; m++) {
    from[m] = x + m * x_stride;
    to[m] = out + m * out_stride;
  }
  Dots<W, R, M, LINES>::run(w, n, from, to, 0, ahead);
}

// The same for r in [0, rows), m in [0, many).
template <class W, int R>
inline void dots(const W *w, int64_t n, const typename Activation<W>::type *x, int64_t x_stride, int many, float *out, int64_t out_stride) {
  int m = 0;
  for (; m + 4 <= many; m += 4) dots_of<W, R, 4>(w, n, x + m * x_stride, x_stride, out + m * out_stride, out_stride);
  if (m + 2 <= many) {
    dots_of<W, R, 2>(w, n, x + m * x_stride, x_stride, out + m * out_stride, out_stride);
    m += 2;
  }
  if (m < many) dots_of<W, R, 1>(w, n, x + m * x_stride, x_stride, out + m * out_stride, out_stride);
}
// A block of rows of w with every row of x, while memory brings the next block: what is asked for is spread over the block's work.
template <class W, int LINES>
inline const char *dots_of_tile(const W *w, int64_t rows, int64_t n, const typename Activation<W>::type *x, int64_t x_stride, float *out, int64_t out_stride, const char *ahead) {
  constexpr int64_t ROUND = 64 / sizeof(W);
  for (int64_t r = 0; r < rows; r += 4, ahead += n / ROUND * LINES * 64) dots_of<W, 4, 4, LINES>(w + r * n, n, x, x_stride, out + r, out_stride, ahead);
  return ahead;
}

// The first rows of w with four rows of x and more; returns how many rows of w that were.
template <class W>
inline int64_t multiply_many(const W *w, int64_t rows, int64_t n, const typename Activation<W>::type *x, int64_t x_stride, int many, float *out, int64_t out_stride) {
  constexpr int64_t BYTES = 18 << 10;  // two blocks and four rows of x fit in the first cache
  const int64_t height = std::max((int64_t)4, BYTES / (n * (int64_t)sizeof(W)) / 4 * 4);
  const int tiles = many / 4;
  int64_t r = 0;
  for (; r + height <= rows; r += height) {
    const W *block = w + r * n;
    const char *ahead = (const char *)(block + height * n);
    const bool last = r + 2 * height > rows;
    for (int m = 0; m < tiles; m++) {
      const typename Activation<W>::type *tile = x + 4 * m * x_stride;
      float *to = out + 4 * m * out_stride + r;
      if (last || m >= 4)
        dots_of_tile<W, 0>(block, height, n, tile, x_stride, to, out_stride, ahead);
      else if (tiles == 1)
        ahead = dots_of_tile<W, 4>(block, height, n, tile, x_stride, to, out_stride, ahead);
      else if (tiles < 4)
        ahead = dots_of_tile<W, 2>(block, height, n, tile, x_stride, to, out_stride, ahead);
      else
        ahead = dots_of_tile<W, 1>(block, height, n, tile, x_stride, to, out_stride, ahead);
    }
    for (int64_t q = 0; q < height && 4 * tiles < many; q += 4)
      dots<W, 4>(block + q * n, n, x + 4 * tiles * x_stride, x_stride, many - 4 * tiles, out + 4 * tiles * out_stride + r + q, out_stride);
  }
  return r;
}

template <class W>
inline void multiply(const W *w, int64_t rows, int64_t n, const typename Activation<W>::type *x, int64_t x_stride, int many, float *out, int64_t out_stride) {
  int64_t r = many >= 4 ? multiply_many(w, rows, n, x, x_stride, many, out, out_stride) : 0;
  // One row of x leaves room for more rows of w: eight streams from memory are read at nearly its full speed.
  for (; many == 1 && r + 8 <= rows; r += 8) dots_of<W, 8, 1>(w + r * n, n, x, x_stride, out + r, out_stride);
  for (; r + 4 <= rows; r += 4) {
    // With more work for each row the hardware's own fetching falls behind.
    const char *next = (const char *)(w + (r + 4) * n);
    for (int64_t i = 0; r + 8 <= rows && i < 4 * n * (int64_t)sizeof(W); i += 64) __builtin_prefetch(next + i);
    dots<W, 4>(w + r * n, n, x, x_stride, many, out + r, out_stride);
  }
  for (; r < rows; r++) dots<W, 1>(w + r * n, n, x, x_stride, many, out + r, out_stride);
}

// x . y, float32
inline float dot(const float *x, const float *y, int64_t n) {
  Lanes a = {}, b = {};
  int64_t i = 0;
  for (; i + 2 * LANES <= n; i += 2 * LANES) {
    a += load(x + i) * load(y + i);
    b += load(x + i + LANES) * load(y + i + LANES);
  }
  float s = sum(a + b);
  for (; i < n; i++) s += x[i] * y[i];
  return s;
}

}  // namespace QUIVER_ISA
}  // namespace quiver
