// What Arrow chooses for the tokens of a tile. Few experts are scored in float32 all of them, many first with rounded numbers (choose.h).
#pragma once
#include "choose.h"
#include "tiles.h"
#include <algorithm>
#include <vector>

namespace quiver {
namespace QUIVER_ISA {

#ifdef __AVX512BF16__

// What the linears at a point read.
struct TileInput {
  int64_t n, vectors;     // features; vectors of tokens
  const uint32_t *panel;  // (n / 2, TILE)
  const float *exact;     // (n, TILE) before it was rounded, or null: it was not
};

class TileScores {
  static constexpr int64_t FEW = 16;  // experts
  static constexpr int AT_ONCE = 6;   // prototypes

  std::vector<const float *> prototypes;
  std::vector<float> scores;    // (linears, experts, TILE), or (experts, linears, TILE) of rounded numbers
  std::vector<float> row;       // (TILE, n): exact
  std::vector<bfloat16> rounded;  // (TILE, n)
  std::vector<float> rough;     // (experts * linears, filled up to whole vectors)
  std::vector<float> small;

 public:
  // The k best of each linear and their softmax, for tokens [first, first + count) of a tile: chosen (count, linears, k).
  void choose(const Place &place, const TileInput &x, int64_t k, float inverse_temperature, int64_t first, int64_t count, Choice *chosen) {
    if (place.experts <= FEW)
      choose_few(place, x, k, inverse_temperature, first, count, chosen);
    else
      choose_many(place, x, k, inverse_temperature, first, count, chosen);
  }

 private:
  void choose_few(const Place &place, const TileInput &x, int64_t k, float inverse_temperature, int64_t first, int64_t count, Choice *chosen) {
    const int64_t g = place.linears, experts = place.experts, all_of_them = g * experts;
    prototypes.clear();
    for (int64_t j = 0; j < g; j++)
      for (int64_t e = 0; e < experts; e++) prototypes.push_back(place.exact + (place.slot[e] * g + j) * x.n);
    scores.resize((all_of_them + AT_ONCE) * TILE);
    const int64_t from = first / LANES, until = (first + count + LANES - 1) / LANES;
    while (prototypes.size() % AT_ONCE != 0) prototypes.push_back(prototypes.back());
    for (int64_t p = 0; p < all_of_them; p += AT_ONCE)
      for (int64_t v = from; v < until; v += 2) v + 1 < until ? score<2>(x, p, v) : score<1>(x, p, v);
    for (int64_t j = 0; j < g; j++)
      for (int64_t v = from; v < until; v++)
        best_of(&scores[j * experts * TILE + v * LANES], place.penalty + j * experts, experts, k, inverse_temperature, v * LANES, first, count,
                chosen + j * k, g * k);
  }

  // Products of six prototypes with V vectors of tokens.
  template <int V>
  void score(const TileInput &x, int64_t p, int64_t vector) {
    const float *w[AT_ONCE];
    for (int r = 0; r < AT_ONCE; r++) w[r] = prototypes[p + r];
    Lanes acc[AT_ONCE][V] = {};
    for (int64_t i = 0; i < x.n; i += 2) {
      Lanes even[V], odd[V];
      for (int v = 0; v < V; v++) {
        if (x.exact) {
          even[v] = load(x.exact + i * TILE + (vector + v) * LANES);
          odd[v] = load(x.exact + (i + 1) * TILE + (vector + v) * LANES);
        } else {
          Bits both;
          memcpy(&both, x.panel + i / 2 * TILE + (vector + v) * LANES, 64);
          even[v] = (Lanes)(both << 16);
          odd[v] = (Lanes)(both & 0xffff0000u);
        }
      }
#pragma GCC unroll 6
      for (int r = 0; r < AT_ONCE; r++)
        for (int v = 0; v < V; v++) {
          acc[r][v] += all(w[r][i]) * even[v];
          acc[r][v] += all(w[r][i + 1]) * odd[v];
        }
    }
    for (int r = 0; r < AT_ONCE; r++)
      for (int v = 0; v < V; v++) store(&scores[(p + r) * TILE + (vector + v) * LANES], acc[r][v]);
  }

  // The k largest of sixteen tokens at once: a new one takes its place, and those behind it move on. The first of two equal scores wins.
  static void best_of(const float *scores, const float *penalty, int64_t experts, int64_t k, float inverse_temperature, int64_t token, int64_t first, int64_t count,
                      Choice *chosen, int64_t stride) {
    typedef int32_t Whole __attribute__((vector_size(64)));
    Lanes top[FEW];
    Whole which[FEW] = {};
    for (int64_t i = 0; i < k; i++) top[i] = all(-INFINITY);
    for (int64_t e = 0; e < experts; e++) {
      Lanes score = (Lanes)_mm512_abs_ps((__m512)load(scores + e * TILE)) + penalty[e];
      Whole mine = Whole{} + (int32_t)e, better = {};
      for (int64_t i = 0; i < k; i++) {
        better |= score > top[i];
        Lanes moved = top[i];
        Whole moved_one = which[i];
        top[i] = better ? score : top[i];
        which[i] = better ? mine : which[i];
        score = better ? moved : score;
        mine = better ? moved_one : mine;
      }
    }
    Lanes weight[FEW], total = {};
    for (int64_t i = 0; i < k; i++) {
      weight[i] = exponential((top[i] - top[0]) * inverse_temperature);
      total += weight[i];
    }
    for (int64_t i = 0; i < k; i++) {
      Lanes share = weight[i] / total;
      for (int64_t l = std::max(first - token, (int64_t)0); l < std::min(first + count - token, LANES); l++)
        chosen[(token + l - first) * stride + i] = {which[i][l], share[l]};
    }
  }

  void choose_many(const Place &place, const TileInput &x, int64_t k, float inverse_temperature, int64_t first, int64_t count, Choice *chosen) {
    const int64_t g = place.linears, n = x.n, products = place.experts * g, filled = (products + 15) / 16 * 16;
    scores.resize(filled * TILE);
    for (int64_t e = 0; e < place.experts;) {
      // Experts that lie side by side are one matrix.
      int64_t until = e + 1;
      while (until < place.experts && place.slot[until] == place.slot[until - 1] + 1) until++;
      const Linear some = {0, (const bfloat16 *)place.coarse + place.slot[e] * g * n, (until - e) * g, n};
      multiply_tile(some, 0, some.height, nullptr, false, x.panel, x.vectors, &scores[e * g * TILE], rounded);
      e = until;
    }
    rows(x);
    rough.resize(LANES * filled);
    for (int64_t t = first / LANES * LANES; t < first + count; t += LANES) {
      for (int64_t p = 0; p < filled; p += LANES) transpose((const uint32_t *)&scores[p * TILE + t], TILE, (uint32_t *)&rough[p], filled);
      for (int64_t i = std::max(first - t, (int64_t)0); i < std::min(first + count - t, LANES); i++) {
        const float *mine = &row[(t + i) * n];
        float length, slack;
        lengths(mine, &rounded[(t + i) * n], n, length, slack);
        for (int64_t j = 0; j < g; j++)
          QUIVER_ISA::choose<bfloat16>(place, j, n, k, mine, length, slack, &rough[i * filled + j], inverse_temperature, chosen + ((t + i - first) * g + j) * k, small);
      }
    }
  }

  // The tile's input token by token.
  void rows(const TileInput &x) {
    row.resize(TILE * x.n);
    rounded.resize(TILE * x.n);
    from_panel(x.panel, x.n, 0, x.vectors * LANES, rounded.data(), x.n);
    if (x.exact) {
      for (int64_t t = 0; t < x.vectors * LANES; t += LANES)
        for (int64_t i = 0; i < x.n; i += 16) transpose((const uint32_t *)x.exact + i * TILE + t, TILE, (uint32_t *)&row[t * x.n + i], x.n);
    } else {
      for (int64_t i = 0; i < x.vectors * LANES * x.n; i += LANES) store(&row[i], load(&rounded[i]));
    }
  }
};

#endif

}  // namespace QUIVER_ISA
}  // namespace quiver
