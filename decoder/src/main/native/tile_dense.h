// The experts' part of the linears at one point, where most experts have something to do with most tokens: A and B of all of them are linear
// layers like others, one after the other, and coefficients of 0 take away what was not chosen.
#pragma once
#include "tiles.h"
#include <algorithm>
#include <vector>

namespace quiver {
namespace QUIVER_ISA {

#ifdef __AVX512BF16__

class TileDense {
  static constexpr int64_t COLUMNS = 192;  // of B at once: a multiple of the rows of a product
  static constexpr int64_t TOGETHER = 8;   // experts whose A are one matrix, if they lie side by side

  const Place *place = nullptr;
  int64_t half = 0, pairs = 0, vectors = 0;  // pairs of ranks of one expert, and of all
  std::vector<int64_t> present;              // experts that are there
  std::vector<float> low;                    // (TOGETHER, linears, rank, TILE): A x
  std::vector<float> total;                  // (linears, rank, TILE): the sum over the experts, where factors are mixed
  std::vector<uint32_t> factors;             // (linears, pairs, TILE): A x times the coefficient
  std::vector<uint32_t> turned;              // (COLUMNS, pairs): columns of B
  std::vector<bfloat16> small;

 public:
  // Applies A to a tile. panel: (n / 2, TILE), so many vectors of tokens; weights: coefficients (linears, experts, TILE).
  void begin(const Place &at, int64_t n, const uint32_t *panel, int64_t vectors_of_tile, const float *weights, bool mixed) {
    place = &at;
    vectors = vectors_of_tile;
    present.clear();
    for (int64_t e = 0; e < at.experts; e++)
      if (at.slot[e] != 0) present.push_back(e);
    half = (at.rank + 1) / 2;
    pairs = (int64_t)present.size() * half;
    low.resize(TOGETHER * at.linears * at.rank * TILE);
    factors.resize(at.linears * pairs * TILE);
    if (mixed) total.assign(at.linears * at.rank * TILE, 0.f);
    for (int64_t i = 0; i < (int64_t)present.size();) {
      int64_t until = i + 1;
      while (until < (int64_t)present.size() && until - i < TOGETHER && at.slot[present[until]] == at.slot[present[until - 1]] + 1) until++;
      const int64_t rows = at.linears * at.rank;
      const Linear a = {0, (const bfloat16 *)at.a + at.slot[present[i]] * rows * n, (until - i) * rows, n};
      multiply_tile(a, 0, a.height, nullptr, false, panel, vectors, low.data(), small);
      for (int64_t e = i; e < until; e++)
        for (int64_t j = 0; j < at.linears; j++) {
          const float *h = &low[((e - i) * at.linears + j) * at.rank * TILE], *weight = weights + (j * at.experts + present[e]) * TILE;
          mixed ? sum_up(h, weight, &total[j * at.rank * TILE]) : weigh(h, weight, j, e);
        }
      i = until;
    }
    for (int64_t e = 0; mixed && e < (int64_t)present.size(); e++)
      for (int64_t j = 0; j < at.linears; j++) weigh(&total[j * at.rank * TILE], weights + (j * at.experts + present[e]) * TILE, j, e);
  }

  // Adds to the point's outputs [from, until) of all tokens: y (until - from, TILE).
  void add(int64_t from, int64_t until, float *y) {
    if (pairs == 0) return;
    const int64_t width = place->width;
    for (int64_t c = from / width; c * width < until; c++) {
      const int64_t end = std::min(until, (c + 1) * width);
      for (int64_t column = std::max(from, c * width); column < end; column += COLUMNS) {
        const int64_t count = std::min(COLUMNS, end - column);
        turn(c, column - c * width, count);
        multiply_tile({0, turned.data(), count, 2 * pairs}, 0, count, nullptr, true, &factors[place->linear_of[c] * pairs * TILE], vectors, y + (column - from) * TILE, small);
      }
    }
  }

 private:
  // to += h times the coefficients, (rank, TILE) each
  void sum_up(const float *h, const float *weight, float *to) const {
    for (int64_t r = 0; r < place->rank; r++)
      for (int64_t v = 0; v < vectors * LANES; v += LANES) store(to + r * TILE + v, load(to + r * TILE + v) + load(h + r * TILE + v) * load(weight + v));
  }

  // h times the coefficients as the factors of the i-th expert that is there.
  void weigh(const float *h, const float *weight, int64_t j, int64_t i) {
    uint32_t *to = &factors[(j * pairs + i * half) * TILE];
    for (int64_t r = 0; r < place->rank; r += 2)
      for (int64_t v = 0; v < vectors * LANES; v += LANES) {
        const Lanes last = r + 1 < place->rank ? load(h + (r + 1) * TILE + v) : Lanes{};
        put_pairs(to + r / 2 * TILE + v, load(h + r * TILE + v) * load(weight + v), last * load(weight + v));
      }
  }

  // Columns of output c of all experts' B, each column with its pairs of ranks side by side.
  void turn(int64_t c, int64_t from, int64_t count) {
    turned.resize(COLUMNS * pairs);
    const int64_t width = place->width;
    for (size_t i = 0; i < present.size(); i++) {
      const bfloat16 *b = (const bfloat16 *)place->b + (place->slot[present[i]] * place->outputs + c) * place->rank * width + from;
      for (int64_t p = 0; p < half; p += 16) {
        const int64_t some = std::min((int64_t)16, half - p);
        const __mmask16 there = (__mmask16)((1u << some) - 1);
        for (int64_t column = 0; column < count; column += LANES) {
          __m512i lines[16];
          for (int64_t r = 0; r < 16; r++) lines[r] = r < some ? pair_of_rows(b + 2 * (p + r) * width + column, 2 * (p + r) + 1 < place->rank, std::min(LANES, count - column)) : _mm512_setzero_si512();
          transpose(lines);
          for (int64_t l = 0; l < std::min(LANES, count - column); l++)
            _mm512_mask_storeu_epi32(&turned[(column + l) * pairs + (int64_t)i * half + p], there, lines[l]);
        }
      }
    }
  }

  // Some columns of two rows of B, or of one that is the last.
  __m512i pair_of_rows(const bfloat16 *row, bool two, int64_t count) const {
    const __mmask16 there = (__mmask16)((1u << count) - 1);
    __m512i one = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(there, row));
    if (!two) return one;
    return _mm512_or_si512(one, _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(there, row + place->width)), 16));
  }
};

#endif

}  // namespace QUIVER_ISA
}  // namespace quiver
