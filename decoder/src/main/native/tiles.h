// Tiles of tokens for products of many of them, on processors that multiply pairs of bfloat16. Sixteen tokens are the lanes of a vector: a
// weight, read as it lies, is multiplied with sixteen tokens at once, norms and activations need no sums across lanes.
//
// What linears read is a panel: (pairs of features, TILE) uint32, the lower half of a number the feature that comes first. What they give is
// (features, TILE) float32.
#pragma once
#include "choose.h"
#include "quantized.h"

namespace quiver {
namespace QUIVER_ISA {

#ifdef __AVX512BF16__

inline __m512 floats(const float *p) { return _mm512_loadu_ps(p); }
inline __m512bh pair_of(const uint32_t *p) { return (__m512bh)_mm512_set1_epi32((int)*p); }

// r[i] becomes the i-th lanes of all sixteen.
inline __attribute__((always_inline)) void transpose(__m512i (&r)[16]) {
  __m512i a[16], b[16];
  for (int i = 0; i < 8; i++) {
    a[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    a[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 4; i++) {
    b[4 * i] = _mm512_unpacklo_epi64(a[4 * i], a[4 * i + 2]);
    b[4 * i + 1] = _mm512_unpackhi_epi64(a[4 * i], a[4 * i + 2]);
    b[4 * i + 2] = _mm512_unpacklo_epi64(a[4 * i + 1], a[4 * i + 3]);
    b[4 * i + 3] = _mm512_unpackhi_epi64(a[4 * i + 1], a[4 * i + 3]);
  }
  for (int c = 0; c < 4; c++) {
    __m512i even = _mm512_shuffle_i32x4(b[c], b[4 + c], 0x88), odd = _mm512_shuffle_i32x4(b[c], b[4 + c], 0xdd);
    __m512i even_below = _mm512_shuffle_i32x4(b[8 + c], b[12 + c], 0x88), odd_below = _mm512_shuffle_i32x4(b[8 + c], b[12 + c], 0xdd);
    r[c] = _mm512_shuffle_i32x4(even, even_below, 0x88);
    r[4 + c] = _mm512_shuffle_i32x4(odd, odd_below, 0x88);
    r[8 + c] = _mm512_shuffle_i32x4(even, even_below, 0xdd);
    r[12 + c] = _mm512_shuffle_i32x4(odd, odd_below, 0xdd);
  }
}

// to[c][r] = from[r][c], sixteen by sixteen.
inline void transpose(const uint32_t *from, int64_t stride, uint32_t *to, int64_t to_stride) {
  __m512i r[16];
  for (int i = 0; i < 16; i++) r[i] = _mm512_loadu_si512(from + i * stride);
  transpose(r);
  for (int i = 0; i < 16; i++) _mm512_storeu_si512(to + i * to_stride, r[i]);
}

// Two features of sixteen tokens into a panel.
inline void put_pairs(uint32_t *to, Lanes first, Lanes second) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  _mm512_storeu_si512(to, _mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first)));
}

// Rows of bfloat16 (tokens, features) into a panel; tokens are filled up to whole vectors with the last one.
inline void to_panel(const bfloat16 *from, int64_t stride, int64_t features, int64_t tokens, uint32_t *to) {
  uint32_t block[16 * 16];
  for (int64_t t = 0; t < tokens; t += 16)
    for (int64_t p = 0; p < features / 2; p += 16) {
      for (int64_t i = 0; i < 16; i++) memcpy(block + 16 * i, from + std::min(t + i, tokens - 1) * stride + 2 * p, 64);
      transpose(block, 16, to + p * TILE + t, TILE);
    }
}

// Tokens [first, last) of a panel as rows of bfloat16, the first of them at `to`.
inline void from_panel(const uint32_t *panel, int64_t features, int64_t first, int64_t last, bfloat16 *to, int64_t stride) {
  uint32_t block[16 * 16];
  for (int64_t t = first / 16 * 16; t < last; t += 16)
    for (int64_t p = 0; p < features / 2; p += 16) {
      transpose(panel + p * TILE + t, TILE, block, 16);
      for (int64_t i = std::max(first - t, (int64_t)0); i < std::min(last - t, (int64_t)16); i++) memcpy(to + (t + i - first) * stride + 2 * p, block + 16 * i, 64);
    }
}

// to[r] = start + w[r] . panel for R rows of w and V vectors of tokens. The order of the additions depends neither on R nor on V: a token's
// result is the same bits in whatever tile. Where ahead is not null, what lies there is asked for meanwhile, line by line.
template <int R, int V>
inline void products(const bfloat16 *w, int64_t stride, int64_t pairs, const uint32_t *panel, const __m512 (&start)[R][V], float *to, const char *ahead) {
  constexpr int THREES = (R + 2) / 3;
  __m512 acc[R][V];
#pragma GCC unroll 12
  for (int r = 0; r < R; r++)
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) acc[r][v] = start[r][v];
  // A processor adds one or two rows' length to an address by itself.
  const int64_t bytes = stride * (int64_t)sizeof(bfloat16);
  const char *row[THREES];
  for (int i = 0; i < THREES; i++) row[i] = (const char *)w + 3 * i * bytes;
  for (int64_t i = 0; i < pairs; i++) {
    if (ahead) __builtin_prefetch(ahead + 64 * i);
    __m512bh x[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) x[v] = (__m512bh)_mm512_loadu_si512(panel + i * TILE + 16 * v);
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
      __m512bh one = pair_of((const uint32_t *)(row[r / 3] + r % 3 * bytes));
#pragma GCC unroll 4
      for (int v = 0; v < V; v++) acc[r][v] = _mm512_dpbf16_ps(acc[r][v], x[v], one);
    }
#pragma GCC unroll 4
    for (int j = 0; j < THREES; j++) row[j] += 4;
  }
#pragma GCC unroll 12
  for (int r = 0; r < R; r++)
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) _mm512_storeu_ps(to + r * TILE + 16 * v, acc[r][v]);
}

// What products begin with.
struct Start {
  const bfloat16 *bias;  // (rows) or null
  bool sums;             // true: what is there already
};

template <int R, int V>
inline void products_from(const bfloat16 *w, int64_t pairs, const uint32_t *panel, Start from, float *to, const char *ahead) {
  __m512 start[R][V];
#pragma GCC unroll 12
  for (int r = 0; r < R; r++)
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) {
      start[r][v] = from.bias ? _mm512_set1_ps(number(from.bias[r])) : _mm512_setzero_ps();
      if (from.sums) start[r][v] += floats(to + r * TILE + 16 * v);
    }
  products<R, V>(w, 2 * pairs, pairs, panel, start, to, ahead);
}

template <int R>
inline void products_of_tile(const bfloat16 *w, int64_t pairs, const uint32_t *panel, int64_t vectors, Start from, float *to, const char *ahead) {
  int64_t v = 0;
  for (; v + 2 <= vectors; v += 2) products_from<R, 2>(w, pairs, panel + 16 * v, from, to + 16 * v, v + 2 == vectors ? ahead : nullptr);
  if (v < vectors) products_from<R, 1>(w, pairs, panel + 16 * v, from, to + 16 * v, ahead);
}

// A linear layer or rows of it: bits as in Model.
struct Linear {
  int64_t bits;
  const void *weights;  // (height, n)
  int64_t height, n;
};

constexpr int64_t ROWS_AT_ONCE = 12;  // of a matrix: with two vectors of tokens as many sums as registers hold

// to (count, TILE) = the rows [first, first + count) of a linear layer times a panel; its bias is the layer's. small: room that is kept.
inline void multiply_tile(const Linear &linear, int64_t first, int64_t count, const bfloat16 *bias, bool sums, const uint32_t *panel, int64_t vectors, float *to,
                          std::vector<bfloat16> &small) {
  const int64_t n = linear.n, pairs = n / 2;
  for (int64_t r = 0; r < count;) {
    const int64_t rows = std::min(ROWS_AT_ONCE, count - r);
    const bfloat16 *w = (const bfloat16 *)linear.weights + (first + r) * n;
    if (linear.bits != 0) {
      small.resize(ROWS_AT_ONCE * n);
      w = small.data();
      if (linear.bits == 8)
        dequantize(Coded<Int8>(linear.weights, linear.height, n, first + r), rows, small.data());
      else
        dequantize(Coded<Int4>(linear.weights, linear.height, n, first + r), rows, small.data());
    }
    const char *ahead = linear.bits == 0 && first + r + rows < linear.height ? (const char *)(w + rows * n) : nullptr;
    const Start from = {bias ? bias + first + r : nullptr, sums};
    float *out = to + r * TILE;
    if (rows == ROWS_AT_ONCE) {
      products_of_tile<ROWS_AT_ONCE>(w, pairs, panel, vectors, from, out, ahead);
    } else {
      for (int64_t i = 0; i < rows;) {
        const Start rest = {from.bias ? from.bias + i : nullptr, sums};
        if (rows - i >= 8) {
          products_of_tile<8>(w + i * n, pairs, panel, vectors, rest, out + i * TILE, nullptr);
          i += 8;
        } else if (rows - i >= 4) {
          products_of_tile<4>(w + i * n, pairs, panel, vectors, rest, out + i * TILE, nullptr);
          i += 4;
        } else {
          products_of_tile<1>(w + i * n, pairs, panel, vectors, rest, out + i * TILE, nullptr);
          i++;
        }
      }
    }
    r += rows;
  }
}

#endif

}  // namespace QUIVER_ISA
}  // namespace quiver
