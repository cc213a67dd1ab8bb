// Products of rows of weights with vectors, a row of each at a time.
#pragma once
#include "vector.h"

namespace quiver {
namespace QUIVER_ISA {

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
