// The experts' part of the linears at one point for the tokens of a tile that belong to one part of the step: scores, choices, A and B.
// Of few experts all are applied to all tokens (tile_dense.h). Many are gone through one by one, so that an expert's A and B are read once for
// all tokens of the tile that have chosen it.
#pragma once
#include "blocks.h"
#include "tile_dense.h"
#include "tile_scores.h"
#include <algorithm>
#include <vector>

namespace quiver {
namespace QUIVER_ISA {

#ifdef __AVX512BF16__

class TileExperts {
  static constexpr int64_t COLUMNS = Blocks<bfloat16>::COLUMNS;

  const Part *part = nullptr;
  const Place *place = nullptr;
  const uint32_t *panel = nullptr;  // (n / 2, TILE)
  int64_t n = 0, g = 0, k = 0, rank = 0;
  int64_t first = 0, count = 0;     // tokens of the tile
  std::vector<Choice> chosen;       // (count, g, k)
  std::vector<float> low;           // (count, g, k, rank): A x, later times the coefficient; where factors are mixed
  uint32_t *pairs = nullptr;        // (count, g, k, half): A x times the coefficient, two ranks as bfloat16
  int64_t half = 0;
  std::vector<int32_t> order;       // (g, count * k): places in chosen, by expert
  std::vector<int32_t> token_of;    // (g, count * k): of these places, which token of the tile it is
  std::vector<int64_t> start;       // (g, experts + 1): where each expert's begin
  std::vector<uint32_t> woven_a;    // (n / 2, LANES): sixteen rows of A, pairs of features
  std::vector<uint32_t> woven_b;    // (half, COLUMNS): some columns of B, pairs of ranks
  std::vector<float> sums;          // (TILE, COLUMNS): what is added to some outputs, the columns as Blocks orders them
  std::vector<int64_t> at;
  std::vector<float> small;
  std::vector<float> weights;       // (g, experts, TILE), where all are applied to all
  bool all_to_all = false;
  TileDense dense;
  TileScores scores;
  Blocks<bfloat16> blocks{0, 0};

 public:
  // Chooses for the part's tokens and applies A. x: what the linears read, before it was rounded where there is such a thing, (n, TILE) or
  // null. at_point: where the point's decisions begin in a row of the part's. row: of the step, the tile's first.
  void begin(const Part &some, int64_t point, const TileInput &x, float inverse_temperature, int64_t at_point, int64_t row, int64_t from, int64_t until) {
    part = &some;
    place = some.place + point;
    panel = x.panel;
    n = x.n;
    g = place->linears;
    k = part->top_k == 0 ? place->experts : std::min(part->top_k, place->most);
    rank = place->rank;
    first = from;
    count = until - from;
    if (part->top_k > 0) {
      chosen.resize(count * g * k);
      scores.choose(*place, x, k, inverse_temperature, first, count, chosen.data());
      note(at_point, row + first);
      for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < g; j++) leave_out(*place, &chosen[(i * g + j) * k], k, j);
    }
    // Half as much work again as was chosen takes less time than to go by expert; twice as much takes more.
    all_to_all = part->top_k == 0 || 2 * place->experts <= 3 * k;
    if (all_to_all) {
      coefficients();
      dense.begin(*place, n, panel, x.vectors, weights.data(), part->factors);
      return;
    }
    order.resize(g * count * k);
    token_of.resize(g * count * k);
    start.resize(g * (place->experts + 1));
    blocks = Blocks<bfloat16>(rank, place->width, std::move(blocks));
    half = blocks.half();
    pairs = blocks.room(count * g * k);
    woven_a.resize(n / 2 * LANES);
    woven_b.resize(half * COLUMNS);
    if (part->factors) low.assign(count * g * k * rank, 0.f);
    for (int64_t j = 0; j < g; j++) {
      sort(j);
      for (int64_t e = 0; e < place->experts; e++) project(j, e);
    }
    if (part->factors) {
      weigh();
      blocks.take(low);
    }
  }

  // Adds to the point's outputs [from, until) of all tokens: y (until - from, TILE).
  void add(int64_t from, int64_t until, float *y) {
    if (all_to_all) return dense.add(from, until, y);
    const int64_t width = place->width;
    for (int64_t c = from / width; c * width < until; c++) {
      int64_t column = std::max(from, c * width), end = std::min(until, (c + 1) * width);
      for (; column < end; column += COLUMNS) add(c, column - c * width, std::min(COLUMNS, end - column), y + (column - from) * TILE);
    }
  }

 private:
  // Who has which coefficient, 0 for what was not chosen and for tokens of others.
  void coefficients() {
    weights.assign(g * place->experts * TILE, 0.f);
    for (int64_t j = 0; j < g; j++)
      for (int64_t i = 0; i < count; i++)
        for (int64_t m = 0; m < k; m++) {
          const Choice one = part->top_k == 0 ? Choice{m, place->fixed[m]} : choice(i, j, m);
          if (one.weight != 0) weights[(j * place->experts + one.expert) * TILE + first + i] = one.weight;
        }
  }

  // Writes down what was chosen, where somebody wants to know.
  void note(int64_t at_point, int64_t row) {
    if (!part->chosen) return;
    for (int64_t i = 0; i < count; i++)
      for (int64_t m = 0; m < g * k; m++) {
        int64_t to = (row + i - part->first) * part->entries + at_point + m;
        part->chosen[to] = (float)chosen[i * g * k + m].expert;
        part->coefficients[to] = chosen[i * g * k + m].weight;
      }
  }

  // Which choices of linear j are whose; those of coefficient 0 are nobody's.
  void sort(int64_t j) {
    int64_t *begin = &start[j * (place->experts + 1)];
    std::fill(begin, begin + place->experts + 1, 0);
    for (int64_t i = 0; i < count; i++)
      for (int64_t m = 0; m < k; m++)
        if (choice(i, j, m).weight != 0) begin[choice(i, j, m).expert + 1]++;
    for (int64_t e = 0; e < place->experts; e++) begin[e + 1] += begin[e];
    at.assign(begin, begin + place->experts);
    for (int64_t i = 0; i < count; i++)
      for (int64_t m = 0; m < k; m++)
        if (choice(i, j, m).weight != 0) {
          int64_t next = j * count * k + at[choice(i, j, m).expert]++;
          order[next] = (int32_t)((i * g + j) * k + m);
          token_of[next] = (int32_t)(first + i);
        }
  }

  Choice &choice(int64_t i, int64_t j, int64_t m) { return chosen[(i * g + j) * k + m]; }
  int64_t begin_of(int64_t j, int64_t e) const { return j * count * k + start[j * (place->experts + 1) + e]; }

  // A of expert e for linear j times the tokens that have chosen it: ranks are the lanes.
  void project(int64_t j, int64_t e) {
    const int64_t begin = begin_of(j, e), end = begin_of(j, e + 1);
    if (begin == end) return;
    const bfloat16 *a = (const bfloat16 *)place->a + (place->slot[e] * g + j) * rank * n;
    for (int64_t r = 0; r < rank; r += LANES) {
      const int64_t rows = std::min(LANES, rank - r);
      weave(a + r * n, rows);
      for (int64_t i = begin; i < end; i += 12) {
        const int64_t many = std::min((int64_t)12, end - i);
        many > 8 ? project<12>(i, many, r, rows) : many > 4 ? project<8>(i, many, r, rows) : project<4>(i, many, r, rows);
      }
    }
  }

  void weave(const bfloat16 *a, int64_t rows) {
    uint32_t block[16 * 16] = {};
    for (int64_t p = 0; p < n / 2; p += 16) {
      const uint32_t *from = (const uint32_t *)a + p;
      if (rows == LANES) {
        transpose(from, n / 2, &woven_a[p * LANES], LANES);
      } else {
        for (int64_t r = 0; r < rows; r++) memcpy(block + 16 * r, from + r * (n / 2), 64);
        transpose(block, 16, &woven_a[p * LANES], LANES);
      }
    }
  }

  // As many tokens at once as hide how long a product takes; two sums each, of even and of odd pairs, do the same for fewer of them.
  template <int M>
  void project(int64_t i, int64_t many, int64_t r, int64_t rows) {
    const uint32_t *x[M];
    for (int m = 0; m < M; m++) x[m] = panel + token_of[i + std::min((int64_t)m, many - 1)];
    __m512 even[M] = {}, odd[M] = {};
    const uint32_t *a = woven_a.data(), *until = a + n / 2 * LANES;
    for (int64_t p = 0; a < until; a += 2 * LANES, p += 2 * TILE) {
      __m512bh one = (__m512bh)_mm512_loadu_si512(a), two = (__m512bh)_mm512_loadu_si512(a + LANES);
#pragma GCC unroll 12
      for (int m = 0; m < M; m++) even[m] = _mm512_dpbf16_ps(even[m], one, pair_of(x[m] + p));
#pragma GCC unroll 12
      for (int m = 0; m < M; m++) odd[m] = _mm512_dpbf16_ps(odd[m], two, pair_of(x[m] + p + TILE));
    }
    const __mmask16 some = (__mmask16)((1u << rows) - 1);
    for (int m = 0; m < many; m++) {
      const Lanes sum = (Lanes)even[m] + (Lanes)odd[m];
      if (part->factors)
        _mm512_mask_storeu_ps(&low[order[i + m] * rank + r], some, (__m512)sum);
      else
        _mm256_mask_storeu_epi16(pairs + order[i + m] * half + r / 2, (__mmask16)((1u << (rows + rows % 2)) - 1),
                                 (__m256i)_mm512_cvtneps_pbh((__m512)(sum * chosen[order[i + m]].weight)));
    }
  }

  // Where factors are mixed: coefficients into A x, the sum over the chosen, and coefficients again.
  void weigh() {
    small.resize(rank);
    for (int64_t i = 0; i < count * g; i++) {
      Choice *mine = &chosen[i * k];
      float *h = &low[i * k * rank];
      for (int64_t m = 0; m < k; m++)
        for (int64_t r = 0; r < rank; r++) h[m * rank + r] *= mine[m].weight;
      for (int64_t r = 0; r < rank; r++) {
        small[r] = 0;
        for (int64_t m = 0; m < k; m++) small[r] += h[m * rank + r];
      }
      for (int64_t m = 0; m < k; m++)
        for (int64_t r = 0; r < rank; r++) h[m * rank + r] = mine[m].weight * small[r];
    }
  }

  // Columns [from, from + width) of output c.
  void add(int64_t c, int64_t from, int64_t width, float *y) {
    const int64_t j = place->linear_of[c], groups = first / LANES * LANES, until = (first + count + LANES - 1) / LANES * LANES;
    sums.resize(TILE * COLUMNS);
    std::fill(sums.begin() + groups * COLUMNS, sums.begin() + until * COLUMNS, 0.f);
    const Sums all = {sums.data(), woven_b.data(), pairs, half};
    for (int64_t e = 0; e < place->experts; e++) {
      const int64_t end = begin_of(j, e + 1);
      int64_t i = begin_of(j, e);
      if (i == end) continue;
      const bfloat16 *b = (const bfloat16 *)place->b + (place->slot[e] * place->outputs + c) * rank * place->width + from;
      if (width < COLUMNS) {
        add_narrow(b, width, i, end);
        continue;
      }
      Blocks<bfloat16>::weave(b, rank, place->width, woven_b.data());
      const int32_t *token = token_of.data(), *at_choice = order.data();
      for (; i + 6 <= end; i += 6) add_block<6>(all, token + i, at_choice + i);
      for (; i + 3 <= end; i += 3) add_block<3>(all, token + i, at_choice + i);
      for (; i < end; i++) add_block<1>(all, token + i, at_choice + i);
    }
    for (int64_t t = groups; t < until; t += LANES)
      for (int64_t v = 0; v * LANES < width; v++) {
        __m512i turned[16];
        for (int64_t i = 0; i < LANES; i++) turned[i] = _mm512_loadu_si512(&sums[(t + i) * COLUMNS + v * LANES]);
        transpose(turned);
        for (int64_t l = 0; l < LANES; l++) {
          const int64_t column = width < COLUMNS ? v * LANES + l : Blocks<bfloat16>::column_of(v, l);
          float *to = y + column * TILE + t;
          if (column < width) store(to, load(to) + (Lanes)turned[l]);
        }
      }
  }

  // What a block of columns is made of and added to.
  struct Sums {
    float *sums;
    const uint32_t *b, *pairs;
    int64_t half;
  };

  template <int M>
  static void add_block(const Sums all, const int32_t *token, const int32_t *at_choice) {
    constexpr int V = COLUMNS / LANES;
    float *to[M];
    const uint32_t *factor[M], *b = all.b;
    for (int m = 0; m < M; m++) {
      to[m] = all.sums + token[m] * COLUMNS;
      factor[m] = all.pairs + at_choice[m] * all.half;
    }
    __m512 acc[M][V];
#pragma GCC unroll 6
    for (int m = 0; m < M; m++)
#pragma GCC unroll 4
      for (int v = 0; v < V; v++) acc[m][v] = _mm512_loadu_ps(to[m] + v * LANES);
    for (int64_t r = 0; r < all.half; r++, b += COLUMNS) {
      __m512bh row[V];
#pragma GCC unroll 4
      for (int v = 0; v < V; v++) row[v] = (__m512bh)_mm512_loadu_si512(b + v * LANES);
#pragma GCC unroll 6
      for (int m = 0; m < M; m++)
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) acc[m][v] = _mm512_dpbf16_ps(acc[m][v], row[v], pair_of(factor[m] + r));
    }
#pragma GCC unroll 6
    for (int m = 0; m < M; m++)
#pragma GCC unroll 4
      for (int v = 0; v < V; v++) _mm512_storeu_ps(to[m] + v * LANES, acc[m][v]);
  }

  // Fewer columns than a block has, in their own order.
  void add_narrow(const bfloat16 *b, int64_t width, int64_t i, int64_t end) {
    for (; i < end; i++) {
      const bfloat16 *factor = (const bfloat16 *)(pairs + order[i] * half);
      for (int64_t o = 0; o < width; o++) {
        float &sum = sums[token_of[i] * COLUMNS + o];
        for (int64_t r = 0; r < rank; r++) sum += number(factor[r]) * number(b[r * place->width + o]);
      }
    }
  }
};

#endif

}  // namespace QUIVER_ISA
}  // namespace quiver
