// Products of the factors A x of several tokens with some columns of an expert's B. Where pairs of bfloat16 are multiplied, two rows of B are
// woven into one, and the columns come out in another order.
#pragma once
#include "choose.h"
#include <type_traits>
#include <vector>

namespace quiver {
namespace QUIVER_ISA {

template <class W>
class Blocks {
#ifdef __AVX512BF16__
  static constexpr bool PAIRED = std::is_same<W, bfloat16>::value;
#else
  static constexpr bool PAIRED = false;
#endif

  int64_t rank, width;          // of B (rank, width)
  const float *low = nullptr;   // (choices, rank): A x times the coefficient
  std::vector<uint32_t> pairs;  // (choices, (rank + 1) / 2): the same, two as bfloat16
  std::vector<uint32_t> woven;  // ((rank + 1) / 2, COLUMNS): B as pairs of rows

 public:
  static constexpr int64_t COLUMNS = 64;  // of the outputs, at once: their sums stay in the first cache
  static constexpr int V = COLUMNS / LANES;

  Blocks(int64_t rank, int64_t width) : rank(rank), width(width) {}
  // The same room for experts of another shape.
  Blocks(int64_t rank, int64_t width, Blocks &&used) : rank(rank), width(width), pairs(std::move(used.pairs)), woven(std::move(used.woven)) {}

  // The factors of all choices (choices, rank), which must stay.
  void take(const std::vector<float> &factors) {
    low = factors.data();
    if (!PAIRED) return;
    const int64_t choices = (int64_t)factors.size() / rank;
    uint32_t *to = room(choices);
    for (int64_t at = 0; at < choices; at++)
      for (int64_t r = 0; r < rank; r += 2) {
        uint32_t one = rounded(low[at * rank + r]).bits, two = r + 1 < rank ? rounded(low[at * rank + r + 1]).bits : 0;
        to[at * half() + r / 2] = one | two << 16;
      }
  }

  // Where the factors of so many choices go if they are there in pairs: (choices, half()).
  uint32_t *room(int64_t choices) {
    pairs.resize(choices * half());
    return pairs.data();
  }
  int64_t half() const { return (rank + 1) / 2; }

  // Prepares the columns of B that begin at b for several products. Those beside them, which come next, are asked for.
  void weave(const W *b) {
    if (!PAIRED) return;
    woven.resize(half() * COLUMNS);
    weave(b, rank, width, woven.data());
  }

  // The same into (half(), COLUMNS) numbers at `to`.
  static void weave(const W *b, int64_t rank, int64_t width, uint32_t *to) {
#ifdef __AVX512BF16__
    if constexpr (PAIRED) {
      for (int64_t r = 0; r < rank; r += 2, to += COLUMNS) {
        const W *one = b + r * width, *two = r + 1 < rank ? one + width : nullptr;
        __m512i both[V];
        weave(one, two, both);
        for (int v = 0; v < V; v++) _mm512_storeu_si512(to + v * LANES, both[v]);
        fetch(one + COLUMNS, COLUMNS * sizeof(W));
        if (two) fetch(two + COLUMNS, COLUMNS * sizeof(W));
      }
    }
#endif
    (void)b, (void)rank, (void)width, (void)to;
  }

  // acc[m] += the factors of the choice at[m] times the columns of B that begin at b. WOVEN: they were prepared.
  template <int M, bool WOVEN>
  void multiply(const W *b, const int64_t *at, Lanes (&acc)[M][V]) {
#ifdef __AVX512BF16__
    if constexpr (PAIRED) {
      const uint32_t *h[M];
      for (int m = 0; m < M; m++) h[m] = &pairs[at[m] * half()];
      for (int64_t r = 0; r < rank; r += 2) {
        __m512i two[V];
        if (WOVEN)
          for (int v = 0; v < V; v++) two[v] = _mm512_loadu_si512(&woven[(r / 2 * V + v) * LANES]);
        else
          weave(b + r * width, r + 1 < rank ? b + (r + 1) * width : nullptr, two);
        for (int m = 0; m < M; m++) {
          __m512bh both = (__m512bh)_mm512_set1_epi32((int)h[m][r / 2]);
          for (int v = 0; v < V; v++) acc[m][v] = (Lanes)_mm512_dpbf16_ps((__m512)acc[m][v], (__m512bh)two[v], both);
        }
      }
      return;
    }
#endif
    const float *h[M];
    for (int m = 0; m < M; m++) h[m] = &low[at[m] * rank];
    for (int64_t r = 0; r < rank; r++) {
      Lanes row[V];
      for (int v = 0; v < V; v++) row[v] = load(b + r * width + v * LANES);
      for (int m = 0; m < M; m++)
        for (int v = 0; v < V; v++) acc[m][v] += all(h[m][r]) * row[v];
    }
  }

  // Which column lane l of a row's v-th sums belongs to.
  static int64_t column_of(int64_t v, int64_t l) { return PAIRED ? v / 2 * 32 + l / 4 * 8 + v % 2 * 4 + l % 4 : v * LANES + l; }

  // Sixteen of a row's sums in the order of the columns.
  static Lanes column(const Lanes *sums, int v) {
#ifdef __AVX512BF16__
    if constexpr (PAIRED) {
      const __m512i order = v % 2 == 0 ? _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23)
                                       : _mm512_setr_epi32(8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
      return (Lanes)_mm512_permutex2var_ps((__m512)sums[v / 2 * 2], order, (__m512)sums[v / 2 * 2 + 1]);
    }
#endif
    return sums[v];
  }

 private:
#ifdef __AVX512BF16__
  static void weave(const W *one, const W *two, __m512i *to) {
    for (int half = 0; half < COLUMNS / 32; half++) {
      __m512i a = _mm512_loadu_si512(one + half * 32), b = two ? _mm512_loadu_si512(two + half * 32) : _mm512_setzero_si512();
      to[2 * half] = _mm512_unpacklo_epi16(a, b);
      to[2 * half + 1] = _mm512_unpackhi_epi16(a, b);
    }
  }
#endif
};

}  // namespace QUIVER_ISA
}  // namespace quiver
