// The experts' part of a step, at one point after the other: scores, choices, A and B. Each thread does its share of each; the barriers
// between them are the caller's.
#pragma once
#include "choose.h"
#include <algorithm>
#include <vector>

namespace quiver {
namespace QUIVER_ISA {

template <class W>
class Experts {
  typedef typename Activation<W>::type X;

  const Step &step;
  Scratch &shared;
  const int t, threads;
  const std::vector<float> &normed;  // (rows, widest): what the linears at this point read
  const std::vector<X> &input;       // (rows, widest): the same, as it is multiplied
  std::vector<float> small;
  std::vector<const W *> terms;

 public:
  Experts(const Step &step, Scratch &shared, int t, int threads, const std::vector<float> &normed, const std::vector<X> &input)
      : step(step), shared(shared), t(t), threads(threads), normed(normed), input(input) {}

  // |x.p| before the absolute value: shared.scores (rows, experts, linears), this thread's experts.
  void coarse(const Part &part, const Place &place, int64_t n) {
    Range mine = share(place.experts, t, threads);
    for (int64_t e = mine.first; e < mine.last;) {
      // Experts that lie side by side are one matrix.
      int64_t until = e + 1;
      while (until < mine.last && place.slot[until] == place.slot[until - 1] + 1) until++;
      multiply((const W *)place.coarse + place.slot[e] * place.linears * n, (until - e) * place.linears, n, &input[part.first * shared.widest],
               shared.widest, (int)part.rows, &shared.scores[part.first * shared.scores_of_row + e * place.linears], shared.scores_of_row);
      e = until;
    }
  }

  // Top k of |x.p| and their softmax, for every row and linear with a gate; whoever's turn it is does one.
  void select(int64_t point, int64_t n) {
    int64_t turn = 0;
    for (int64_t p = 0; p < step.parts; p++) {
      const Part &part = step.part[p];
      const Place &place = part.place[point];
      if (place.most == 0 || part.top_k == 0) continue;
      for (int64_t row = part.first; row < part.first + part.rows; row++)
        for (int64_t j = 0; j < place.linears; j++)
          if (turn++ % threads == t) select(part, p, place, point, row, j, n);
    }
  }

  // The chosen A: shared.low (rows, linears, k, rank), not yet weighted. Split among the threads by pieces of four ranks.
  void project(int64_t point, int64_t n) {
    int64_t pieces = 0;
    each_choice(point, [&](int64_t, const Place &place, int64_t, const Choice &, float *) { pieces += (place.rank + 3) / 4; });
    Range mine = share(pieces, t, threads);
    int64_t at = 0;
    float *waiting = nullptr;
    const W *waiting_a = nullptr;
    int64_t waiting_rows = 0, waiting_row = 0;
    each_choice(point, [&](int64_t row, const Place &place, int64_t j, const Choice &choice, float *to) {
      int64_t begin = std::max(mine.first - at, (int64_t)0), end = std::min(mine.last - at, (place.rank + 3) / 4);
      at += (place.rank + 3) / 4;
      if (begin >= end) return;
      const W *a = (const W *)place.a + (place.slot[choice.expert] * place.linears + j) * place.rank * n;
      int64_t from = 4 * begin, until = std::min(4 * end, place.rank);
      fetch(a + from * n, (until - from) * n * (int64_t)sizeof(W));
      // One behind: what comes next is on its way while this is multiplied.
      if (waiting) multiply(waiting_a, waiting_rows, n, &input[waiting_row * shared.widest], shared.widest, 1, waiting, place.rank);
      waiting = to + from;
      waiting_a = a + from * n;
      waiting_rows = until - from;
      waiting_row = row;
    });
    if (waiting) multiply(waiting_a, waiting_rows, n, &input[waiting_row * shared.widest], shared.widest, 1, waiting, 0);
  }

  // Asks for the rows of B with which add will begin.
  void expect(int64_t point, int64_t from, int64_t to) {
    for (int64_t p = 0; p < step.parts; p++) {
      const Part &part = step.part[p];
      const Place &place = part.place[point];
      if (place.most == 0) continue;
      const int64_t k = chosen_of(part, place);
      for (int64_t c = from / place.width; c * place.width < to; c++) {
        int64_t begin = std::max(from, c * place.width), count = std::min(to, (c + 1) * place.width) - begin;
        for (int64_t row = part.first; row < part.first + part.rows; row++) {
          Choice one = choice(part, place, row, place.linear_of[c], k, 0);
          const W *b = (const W *)place.b + (place.slot[one.expert] * place.outputs + c) * place.rank * place.width + begin - c * place.width;
          for (int64_t r = 0; r < std::min(place.rank, AHEAD / (count * (int64_t)sizeof(W)) + 4); r++) fetch(b + r * place.width, count * (int64_t)sizeof(W));
        }
      }
    }
  }

  // Adds the chosen B to the outputs [from, to) of all rows, of `outputs` that the point has.
  void add(int64_t point, int64_t from, int64_t to, int64_t outputs) {
    for (int64_t p = 0; p < step.parts; p++) {
      const Part &part = step.part[p];
      const Place &place = part.place[point];
      if (place.most == 0) continue;
      for (int64_t c = from / place.width; c * place.width < to; c++) {
        int64_t begin = std::max(from, c * place.width), end = std::min(to, (c + 1) * place.width);
        for (int64_t row = part.first; row < part.first + part.rows; row++) add(part, place, c, row, begin, end, outputs);
      }
    }
  }

 private:
  int64_t chosen_of(const Part &part, const Place &place) const {
    return part.top_k == 0 ? place.experts : std::min(part.top_k, place.most);
  }

  // Where one row's choices for one linear are, and the factors of the chosen experts.
  Choice *choices(int64_t row, int64_t linear, int64_t k) { return &shared.choices[row * shared.choices_of_row + linear * k]; }
  float *hidden_of(int64_t row, int64_t linear, int64_t k, int64_t rank) { return &shared.low[row * shared.low_of_row + linear * k * rank]; }

  Choice choice(const Part &part, const Place &place, int64_t row, int64_t linear, int64_t k, int64_t i) {
    if (part.top_k == 0) return {i, place.slot[i] == 0 ? 0 : place.fixed[i]};
    return choices(row, linear, k)[i];
  }

  void select(const Part &part, int64_t p, const Place &place, int64_t point, int64_t row, int64_t j, int64_t n) {
    const int64_t k = chosen_of(part, place);
    Choice *best = choices(row, j, k);
    const float *x = &normed[row * shared.widest];
    float length, slack;
    lengths(x, &input[row * shared.widest], n, length, slack);
    choose<W>(place, j, n, k, x, length, slack, &shared.scores[row * shared.scores_of_row + j], (float)step.inverse_temperature[p], best, small);
    if (part.chosen) {
      int64_t at = (row - part.first) * part.entries + entry(part, point) + j * k;
      for (int64_t i = 0; i < k; i++) {
        part.chosen[at + i] = (float)best[i].expert;
        part.coefficients[at + i] = best[i].weight;
      }
    }
    leave_out(place, best, k, j);
  }

  static int64_t entry(const Part &part, int64_t point) {
    int64_t entries = 0;
    for (int64_t q = 0; q < point; q++)
      if (part.place[q].most > 0) entries += part.place[q].linears * std::min(part.top_k, part.place[q].most);
    return entries;
  }

  template <class Visit>
  void each_choice(int64_t point, Visit visit) {
    for (int64_t p = 0; p < step.parts; p++) {
      const Part &part = step.part[p];
      const Place &place = part.place[point];
      if (place.most == 0) continue;
      const int64_t k = chosen_of(part, place);
      for (int64_t row = part.first; row < part.first + part.rows; row++)
        for (int64_t j = 0; j < place.linears; j++)
          for (int64_t i = 0; i < k; i++) {
            Choice one = choice(part, place, row, j, k, i);
            if (one.weight != 0) visit(row, place, j, one, hidden_of(row, j, k, place.rank) + i * place.rank);
          }
    }
  }

  void add(const Part &part, const Place &place, int64_t c, int64_t row, int64_t begin, int64_t end, int64_t outputs) {
    const int64_t k = chosen_of(part, place), rank = place.rank, width = place.width, j = place.linear_of[c];
    const float *low = hidden_of(row, j, k, rank);
    // The factors that this linear's B rows get, and where those rows are.
    small.resize((k + 1) * rank);
    terms.clear();
    float *inner = &small[k * rank];
    for (int64_t r = 0; r < rank; r++) inner[r] = 0;
    for (int64_t i = 0; i < k; i++) {
      Choice one = choice(part, place, row, j, k, i);
      if (one.weight == 0) continue;
      float *factor = &small[terms.size() * rank];
      for (int64_t r = 0; r < rank; r++) {
        factor[r] = one.weight * low[i * rank + r];
        inner[r] += factor[r];
      }
      terms.push_back((const W *)place.b + (place.slot[one.expert] * place.outputs + c) * rank * width);
    }
    if (part.factors) {
      float *factor = small.data();
      for (int64_t i = 0; i < k; i++) {
        Choice one = choice(part, place, row, j, k, i);
        for (int64_t r = 0; one.weight != 0 && r < rank; r++) *factor++ = one.weight * inner[r];
      }
    }
    // Rows of B in the order in which they lie, four at a time, and line by line what comes some rows later is asked for, since no
    // hardware guesses it.
    float *y = &shared.y[row * outputs] + begin;
    const int64_t offset = begin - c * width, count = end - begin;
    const int64_t rows_of_b = terms.size() * rank;
    auto row_of_b = [&](int64_t r) { return terms[r / rank] + r % rank * width + offset; };
    const int64_t ahead = (AHEAD / (count * (int64_t)sizeof(W)) + 3) / 4 * 4 + 4;
    int64_t r = 0;
    for (; r + 4 <= rows_of_b; r += 4) {
      const W *b[4] = {row_of_b(r), row_of_b(r + 1), row_of_b(r + 2), row_of_b(r + 3)}, *later[4];
      for (int64_t i = 0; i < 4; i++) later[i] = row_of_b(std::min(r + ahead + i, rows_of_b - 1));
      add_rows<4>(y, b, later, &small[r], count);
    }
    for (; r < rows_of_b; r++) {
      const W *b[1] = {row_of_b(r)};
      add_rows<1>(y, b, b, &small[r], count);
    }
  }

  static constexpr int64_t AHEAD = 4096;  // bytes

  // y += factor[0] b[0] + ... in that order
  template <int R>
  static void add_rows(float *y, const W *const *b, const W *const *later, const float *factor, int64_t count) {
    int64_t i = 0;
    for (; i + 2 * LANES <= count; i += 2 * LANES) {
      for (int r = 0; r < R; r++) __builtin_prefetch(later[r] + i);
      Lanes sum = load(y + i), next = load(y + i + LANES);
      for (int r = 0; r < R; r++) {
        sum += all(factor[r]) * load(b[r] + i);
        next += all(factor[r]) * load(b[r] + i + LANES);
      }
      store(y + i, sum);
      store(y + i + LANES, next);
    }
    for (; i < count; i++) {
      float sum = y[i];
      for (int r = 0; r < R; r++) sum = std::fma(factor[r], number(b[r][i]), sum);
      y[i] = sum;
    }
  }
};

}  // namespace QUIVER_ISA
}  // namespace quiver
