// The experts' part of the linears at one point, for many tokens: after libtorch has computed the linears themselves. Compiled once for each
// instruction set. The rows are cut into one range a thread; each chooses for its rows, then goes expert by expert, so that an expert's A and
// B are read once for all rows that have chosen it. No barriers.
#include "blocks.h"
#include "choose.h"
#include <type_traits>

namespace quiver {
namespace QUIVER_ISA {

template <class W>
class Rows {
  typedef typename Activation<W>::type X;
  static constexpr int64_t COLUMNS = Blocks<W>::COLUMNS;

  const Adapted &given;
  const Place &place;
  const int64_t n, g, k, rank, first, count;
  std::vector<X> rounded;     // (count, n), unless x is already what is multiplied
  std::vector<float> widened; // (count, n), unless the exact values are there
  const X *input;             // (count, n)
  const float *exact;         // (count, n)
  std::vector<Choice> chosen; // (count, g, k)
  std::vector<float> low;     // (count, g, k, rank): A x, later times the coefficient
  std::vector<int64_t> order; // (count * k): places in chosen of one linear, by expert
  std::vector<int64_t> row_of;  // (count * k): of these places, whose row it is
  std::vector<int64_t> start; // (experts + 1): where each expert's begin
  std::vector<float> small;

 public:
  Rows(const Adapted &given, Range mine)
      : given(given), place(*given.place), n(given.in), g(place.linears), k(given.top_k == 0 ? place.experts : std::min(given.top_k, place.most)),
        rank(place.rank), first(mine.first), count(mine.last - mine.first), chosen(count * g * k),
        low(count * g * k * rank), blocks(place.rank, place.width), sums(count * COLUMNS) {}

  void run() {
    if (count == 0) return;
    take();
    if (given.top_k == 0)
      choose_all();
    else if (given.decided)
      take_choices();
    else
      choose_best();
    for (int64_t j = 0; j < g; j++) {
      sort(j);
      project(j);
    }
    weigh();
    blocks.take(low);
    if (given.top_k == 0) {
      add_to_rows();
      return;
    }
    for (int64_t j = 0; j < g; j++) {
      sort(j);
      for (int64_t c = 0; c < place.outputs; c++)
        if (place.linear_of[c] == j)
          for (int64_t from = 0; from < place.width; from += COLUMNS) add(c, from, std::min(COLUMNS, place.width - from));
    }
  }

 private:
  void take() {
    const W *x = (const W *)given.x + first * n;
    exact = given.exact ? given.exact + first * n : nullptr;
    constexpr bool as_it_is = std::is_same<W, X>::value;
    if (!as_it_is || (!exact && given.top_k > 0 && !given.decided)) {
      widened.resize(count * n);
      for (int64_t i = 0; i < count * n; i++) widened[i] = number(x[i]);
      if (!exact) exact = widened.data();
    }
    if (as_it_is) {
      input = (const X *)x;
    } else {
      rounded.resize(count * n);
      round_all<W>(widened.data(), count * n, rounded.data());
      input = rounded.data();
    }
  }

  Choice *choices(int64_t row, int64_t j) { return &chosen[(row * g + j) * k]; }

  void choose_all() {
    for (int64_t row = 0; row < count; row++)
      for (int64_t j = 0; j < g; j++)
        for (int64_t e = 0; e < k; e++) choices(row, j)[e] = {e, place.slot[e] == 0 ? 0 : place.fixed[e]};
  }

  void take_choices() {
    for (int64_t row = 0; row < count; row++)
      for (int64_t j = 0; j < g; j++) {
        int64_t at = ((first + row) * g + j) * k;
        for (int64_t i = 0; i < k; i++) choices(row, j)[i] = {given.index[at + i], given.weight[at + i]};
        leave_out(place, choices(row, j), k, j);
      }
  }

  void choose_best() {
    const int64_t experts = place.experts;
    std::vector<float> scores(count * experts * g);
    for (int64_t e = 0; e < experts;) {
      int64_t until = e + 1;
      while (until < experts && place.slot[until] == place.slot[until - 1] + 1) until++;
      multiply((const W *)place.coarse + place.slot[e] * g * n, (until - e) * g, n, input, n, (int)count, &scores[e * g], experts * g);
      e = until;
    }
    for (int64_t row = 0; row < count; row++) {
      float length, slack;
      lengths(&exact[row * n], &input[row * n], n, length, slack);
      for (int64_t j = 0; j < g; j++) {
        Choice *best = choices(row, j);
        choose<W>(place, j, n, k, &exact[row * n], length, slack, &scores[row * experts * g + j], given.inverse_temperature, best, small);
        int64_t at = ((first + row) * g + j) * k;
        for (int64_t i = 0; i < k; i++) {
          given.index[at + i] = best[i].expert;
          given.weight[at + i] = best[i].weight;
        }
        leave_out(place, best, k, j);
      }
    }
  }

  // Which choices of linear j are whose; those of coefficient 0 are nobody's.
  void sort(int64_t j) {
    start.assign(place.experts + 1, 0);
    order.resize(count * k);
    row_of.resize(count * k);
    for (int64_t row = 0; row < count; row++)
      for (int64_t i = 0; i < k; i++)
        if (choices(row, j)[i].weight != 0) start[choices(row, j)[i].expert + 1]++;
    for (int64_t e = 0; e < place.experts; e++) start[e + 1] += start[e];
    std::vector<int64_t> at(start.begin(), start.end() - 1);
    for (int64_t row = 0; row < count; row++)
      for (int64_t i = 0; i < k; i++)
        if (choices(row, j)[i].weight != 0) {
          int64_t next = at[choices(row, j)[i].expert]++;
          order[next] = (row * g + j) * k + i;
          row_of[next] = row;
        }
  }

  void project(int64_t j) {
    for (int64_t e = 0; e < place.experts; e++) {
      const W *a = (const W *)place.a + (place.slot[e] * g + j) * rank * n;
      for (int64_t i = start[e]; i < start[e + 1];) {
        const X *x[4];
        float *to[4];
        int64_t many = start[e + 1] - i >= 4 ? 4 : 1;
        for (int64_t m = 0; m < many; m++) {
          x[m] = &input[row_of[i + m] * n];
          to[m] = &low[order[i + m] * rank];
        }
        int64_t r = 0;
        for (; r + 4 <= rank; r += 4) many == 4 ? Dots<W, 4, 4>::run(a + r * n, n, x, to, r) : Dots<W, 4, 1>::run(a + r * n, n, x, to, r);
        for (; r < rank; r++) many == 4 ? Dots<W, 1, 4>::run(a + r * n, n, x, to, r) : Dots<W, 1, 1>::run(a + r * n, n, x, to, r);
        i += many;
      }
    }
  }

  // Coefficients into A x; with factors the sum over the chosen first.
  void weigh() {
    small.resize(rank);
    for (int64_t at = 0; at < count * g; at++) {
      Choice *mine = &chosen[at * k];
      float *h = &low[at * k * rank];
      for (int64_t i = 0; i < k; i++)
        for (int64_t r = 0; r < rank; r++) h[i * rank + r] *= mine[i].weight;
      if (!given.factors) continue;
      for (int64_t r = 0; r < rank; r++) {
        small[r] = 0;
        for (int64_t i = 0; i < k; i++) small[r] += h[i * rank + r];
      }
      for (int64_t i = 0; i < k; i++)
        for (int64_t r = 0; r < rank; r++) h[i * rank + r] = mine[i].weight * small[r];
    }
  }

  // With constant coefficients all rows have the same experts: a few rows at once, whose sums never leave the registers.
  void add_to_rows() {
    int64_t row = 0;
    for (; row + 4 <= count; row += 4) add_to_rows<4>(row);
    for (; row < count; row++) add_to_rows<1>(row);
  }

  template <int M>
  void add_to_rows(int64_t row) {
    constexpr int V = COLUMNS / LANES;
    for (int64_t c = 0; c < place.outputs; c++) {
      const int64_t j = place.linear_of[c];
      int64_t from = 0;
      for (; from + COLUMNS <= place.width; from += COLUMNS) {
        Lanes acc[M][V] = {};
        for (int64_t e = 0; e < k; e++) {
          if (choices(row, j)[e].weight == 0) continue;
          int64_t at[M];
          for (int m = 0; m < M; m++) at[m] = ((row + m) * g + j) * k + e;
          blocks.template multiply<M, false>(b_of(e, c) + from, at, acc);
        }
        for (int m = 0; m < M; m++) {
          W *y = y_of(row + m, c) + from;
          for (int v = 0; v < V; v++) put(y + v * LANES, load(y + v * LANES) + Blocks<W>::column(acc[m], v));
        }
      }
      for (; from < place.width; from++)
        for (int m = 0; m < M; m++) {
          W *y = y_of(row + m, c) + from;
          float sum = 0;
          for (int64_t e = 0; e < k; e++)
            if (choices(row, j)[e].weight != 0) sum = with_column(sum, b_of(e, c) + from, ((row + m) * g + j) * k + e);
          put(y, number(*y) + sum);
        }
    }
  }

  const W *b_of(int64_t e, int64_t c) const { return (const W *)place.b + (place.slot[e] * place.outputs + c) * rank * place.width; }
  W *y_of(int64_t row, int64_t c) const { return (W *)given.y + (first + row) * given.out + c * place.width; }

  // sum + one column of B times what A x of a choice is.
  float with_column(float sum, const W *b, int64_t at) const {
    for (int64_t r = 0; r < rank; r++) sum += low[at * rank + r] * number(b[r * place.width]);
    return sum;
  }

  // Adds to columns [from, from + width) of output c.
  void add(int64_t c, int64_t from, int64_t width) {
    std::fill(sums.begin(), sums.end(), 0.f);
    for (int64_t e = 0; e < place.experts; e++) {
      const W *b = b_of(e, c) + from;
      int64_t i = start[e];
      if (width == COLUMNS && i < start[e + 1]) blocks.weave(b);
      if (width == COLUMNS)
        for (; i + 4 <= start[e + 1]; i += 4) add_block<4>(b, i);
      for (; i < start[e + 1]; i++) {
        if (width == COLUMNS) {
          add_block<1>(b, i);
          continue;
        }
        float *sum = sums_of(i);
        for (int64_t o = 0; o < width; o++) sum[o] = with_column(sum[o], b + o, order[i]);
      }
    }
    for (int64_t row = 0; row < count; row++) {
      W *y = y_of(row, c) + from;
      float *sum = &sums[row * COLUMNS];
      if (width != COLUMNS) {
        for (int64_t o = 0; o < width; o++) put(y + o, number(y[o]) + sum[o]);
        continue;
      }
      constexpr int V = COLUMNS / LANES;
      Lanes all[V];
      for (int v = 0; v < V; v++) all[v] = load(sum + v * LANES);
      for (int v = 0; v < V; v++) put(y + v * LANES, load(y + v * LANES) + Blocks<W>::column(all, v));
    }
  }

  float *sums_of(int64_t i) { return &sums[row_of[i] * COLUMNS]; }

  template <int M>
  void add_block(const W *b, int64_t i) {
    constexpr int V = COLUMNS / LANES;
    Lanes acc[M][V];
    float *to[M];
    for (int m = 0; m < M; m++) to[m] = sums_of(i + m);
    for (int m = 0; m < M; m++)
      for (int v = 0; v < V; v++) acc[m][v] = load(to[m] + v * LANES);
    blocks.template multiply<M, true>(b, &order[i], acc);
    for (int m = 0; m < M; m++)
      for (int v = 0; v < V; v++) store(to[m] + v * LANES, acc[m][v]);
  }

  Blocks<W> blocks;
  std::vector<float> sums;  // (count, COLUMNS)
};

// So many rows at once that what belongs to them stays in the second cache.
constexpr int64_t TILE = 64;

void adapt(const Adapted &given, int thread, int threads) {
  Range mine = share(given.rows, thread, threads);
  for (int64_t first = mine.first; first < mine.last; first += TILE) {
    Range tile = {first, std::min(first + TILE, mine.last)};
    if (given.bfloat16)
      Rows<bfloat16>(given, tile).run();
    else
      Rows<float>(given, tile).run();
  }
}

}  // namespace QUIVER_ISA
}  // namespace quiver
