// The experts' part of the linears at one point, for many tokens: after libtorch has computed the linears themselves. Compiled once for each
// instruction set. The rows are cut into one range a thread; each chooses for its rows, then goes expert by expert, so that an expert's A and
// B are read once for all rows that have chosen it. No barriers.
#include "choose.h"
#include <type_traits>

namespace quiver {
namespace QUIVER_ISA {

template <class W>
class Rows {
  typedef typename Activation<W>::type X;
#ifdef __AVX512BF16__
  static constexpr bool PAIRED = std::is_same<W, bfloat16>::value;
#else
  static constexpr bool PAIRED = false;
#endif
  static constexpr int64_t COLUMNS = 64;  // of the outputs, at once: their sums stay in the first cache

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
  std::vector<int64_t> start; // (experts + 1): where each expert's begin
  std::vector<float> small;

 public:
  Rows(const Adapted &given, Range mine)
      : given(given), place(*given.place), n(given.in), g(place.linears), k(given.top_k == 0 ? place.experts : std::min(given.top_k, place.most)),
        rank(place.rank), first(mine.first), count(mine.last - mine.first), chosen(count * g * k),
        low(count * g * k * rank), sums(count * COLUMNS) {}

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
    if (PAIRED) pair();
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
    for (int64_t row = 0; row < count; row++)
      for (int64_t j = 0; j < g; j++) {
        Choice *best = choices(row, j);
        choose<W>(place, j, n, k, &exact[row * n], &input[row * n], &scores[row * experts * g + j], given.inverse_temperature, best, small);
        int64_t at = ((first + row) * g + j) * k;
        for (int64_t i = 0; i < k; i++) {
          given.index[at + i] = best[i].expert;
          given.weight[at + i] = best[i].weight;
        }
        leave_out(place, best, k, j);
      }
  }

  // Which choices of linear j are whose; those of coefficient 0 are nobody's.
  void sort(int64_t j) {
    start.assign(place.experts + 1, 0);
    order.resize(count * k);
    for (int64_t row = 0; row < count; row++)
      for (int64_t i = 0; i < k; i++)
        if (choices(row, j)[i].weight != 0) start[choices(row, j)[i].expert + 1]++;
    for (int64_t e = 0; e < place.experts; e++) start[e + 1] += start[e];
    std::vector<int64_t> at(start.begin(), start.end() - 1);
    for (int64_t row = 0; row < count; row++)
      for (int64_t i = 0; i < k; i++)
        if (choices(row, j)[i].weight != 0) order[at[choices(row, j)[i].expert]++] = (row * g + j) * k + i;
  }

  void project(int64_t j) {
    for (int64_t e = 0; e < place.experts; e++) {
      const W *a = (const W *)place.a + (place.slot[e] * g + j) * rank * n;
      for (int64_t i = start[e]; i < start[e + 1];) {
        const X *x[4];
        float *to[4];
        int64_t many = start[e + 1] - i >= 4 ? 4 : 1;
        for (int64_t m = 0; m < many; m++) {
          x[m] = &input[order[i + m] / (g * k) * n];
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

  // Coefficients times A x as pairs of bfloat16.
  void pair() {
    const int64_t half = (rank + 1) / 2;
    pairs.resize(count * g * k * half);
    for (int64_t at = 0; at < count * g * k; at++)
      for (int64_t r = 0; r < rank; r += 2) {
        uint32_t one = rounded_bits(low[at * rank + r]), two = r + 1 < rank ? rounded_bits(low[at * rank + r + 1]) : 0;
        pairs[at * half + r / 2] = one | two << 16;
      }
  }
  static uint32_t rounded_bits(float x) { return quiver::QUIVER_ISA::rounded(x).bits; }

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
          multiply_block<M, V>(b_of(e, c) + from, at, acc);
        }
        for (int m = 0; m < M; m++) {
          W *y = y_of(row + m, c) + from;
          for (int v = 0; v < V; v++) put(y + v * LANES, load(y + v * LANES) + column(acc[m], v));
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
      for (int v = 0; v < V; v++) put(y + v * LANES, load(y + v * LANES) + column(all, v));
    }
  }

  float *sums_of(int64_t i) { return &sums[order[i] / (g * k) * COLUMNS]; }

  template <int M>
  void add_block(const W *b, int64_t i) {
    constexpr int V = COLUMNS / LANES;
    Lanes acc[M][V];
    for (int m = 0; m < M; m++)
      for (int v = 0; v < V; v++) acc[m][v] = load(sums_of(i + m) + v * LANES);
    multiply_block<M, V>(b, &order[i], acc);
    for (int m = 0; m < M; m++)
      for (int v = 0; v < V; v++) store(sums_of(i + m) + v * LANES, acc[m][v]);
  }

  // acc[m] += B times what A x of the choice at[m] is.
  template <int M, int V>
  void multiply_block(const W *b, const int64_t *at, Lanes (&acc)[M][V]) {
#ifdef __AVX512BF16__
    if constexpr (PAIRED) {
      // Two rows of B are woven into pairs; the columns come out in another order, which `columns` undoes.
      const __m512i zero = _mm512_setzero_si512();
      for (int64_t r = 0; r < rank; r += 2) {
        __m512bh woven[V];
        for (int half = 0; half < V / 2; half++) {
          __m512i one = _mm512_loadu_si512(b + r * place.width + half * 32);
          __m512i two = r + 1 < rank ? _mm512_loadu_si512(b + (r + 1) * place.width + half * 32) : zero;
          woven[2 * half] = (__m512bh)_mm512_unpacklo_epi16(one, two);
          woven[2 * half + 1] = (__m512bh)_mm512_unpackhi_epi16(one, two);
        }
        for (int m = 0; m < M; m++) {
          __m512bh h = (__m512bh)_mm512_set1_epi32((int)pairs[at[m] * ((rank + 1) / 2) + r / 2]);
          for (int v = 0; v < V; v++) acc[m][v] = (Lanes)_mm512_dpbf16_ps((__m512)acc[m][v], woven[v], h);
        }
      }
      return;
    }
#endif
    const float *h[M];
    for (int m = 0; m < M; m++) h[m] = &low[at[m] * rank];
    for (int64_t r = 0; r < rank; r++) {
      Lanes row[V];
      for (int v = 0; v < V; v++) row[v] = load(b + r * place.width + v * LANES);
      for (int m = 0; m < M; m++)
        for (int v = 0; v < V; v++) acc[m][v] += all(h[m][r]) * row[v];
    }
  }

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

  std::vector<uint32_t> pairs;  // (count, g, k, (rank + 1) / 2): two of low as bfloat16, if they are multiplied in pairs
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
