// How long the products of many small matrices with the same few vectors are: what the evidence gate hears of a library. Compiled once for
// each instruction set. The matrices are shared out among the threads; products are summed up as they come and are never stored.
#include "choose.h"
#include "tiles.h"
#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

namespace quiver {
namespace QUIVER_ISA {

constexpr int64_t AHEAD = 4096;  // bytes

// Adds up the squares of R products with each of M rows of x: squares (M).
template <class W, int R, int M>
static void add_squares(const W *w, int64_t n, const typename Activation<W>::type *const *x, float *squares) {
  float product[M][R], *to[M];
  for (int m = 0; m < M; m++) to[m] = product[m];
  Dots<W, R, M>::run(w, n, x, to, 0);
  for (int m = 0; m < M; m++)
    for (int r = 0; r < R; r++) squares[m] += product[m][r] * product[m][r];
}

template <class W, int M>
static void lengths_of(const Matrix &matrix, int64_t n, const typename Activation<W>::type *x, float *to) {
  const typename Activation<W>::type *row[M];
  for (int m = 0; m < M; m++) row[m] = x + m * n;
  const W *w = (const W *)matrix.rows;
  float squares[M] = {};
  int64_t r = 0;
  for (; r + 4 <= matrix.rank; r += 4) add_squares<W, 4, M>(w + r * n, n, row, squares);
  for (; r < matrix.rank; r++) add_squares<W, 1, M>(w + r * n, n, row, squares);
  for (int m = 0; m < M; m++) to[m] = std::sqrt(squares[m]);
}

template <class W>
static void lengths(const Lengths &given, Range mine) {
  typedef typename Activation<W>::type X;
  const int64_t n = given.in;
  const X *x = (const X *)given.x;
  std::vector<X> rounded;
  if (!std::is_same<W, X>::value) {
    std::vector<float> wide(given.tokens * n);
    for (int64_t i = 0; i < given.tokens * n; i++) wide[i] = number(((const W *)given.x)[i]);
    rounded.resize(given.tokens * n);
    round_all<W>(wide.data(), given.tokens * n, rounded.data());
    x = rounded.data();
  }
  for (int64_t i = mine.first; i < mine.last; i++) {
    const Matrix &matrix = given.matrix[i];
    // It is read once from memory, and again from the cache for the tokens after the first ones.
    if (i + 1 < mine.last) fetch(given.matrix[i + 1].rows, std::min(AHEAD, given.matrix[i + 1].rank * n * (int64_t)sizeof(W)));
    float *to = given.to + i * given.tokens;
    int64_t t = 0;
    for (; t + 4 <= given.tokens; t += 4) lengths_of<W, 4>(matrix, n, x + t * n, to + t);
    for (; t < given.tokens; t++) lengths_of<W, 1>(matrix, n, x + t * n, to + t);
  }
}

#ifdef __AVX512BF16__
// The same by tiles of tokens, for inputs of whole vectors.
static void lengths_of_tiles(const Lengths &given, Range mine) {
  const int64_t n = given.in;
  std::vector<uint32_t> panel(n / 2 * TILE);
  std::vector<float> products;
  std::vector<bfloat16> unused;
  for (int64_t first = 0; first < given.tokens; first += TILE) {
    const int64_t count = std::min(TILE, given.tokens - first), vectors = (count + LANES - 1) / LANES;
    to_panel((const bfloat16 *)given.x + first * n, n, n, count, panel.data());
    for (int64_t i = mine.first; i < mine.last; i++) {
      const int64_t rank = given.matrix[i].rank;
      if (i + 1 < mine.last) fetch(given.matrix[i + 1].rows, std::min(AHEAD, given.matrix[i + 1].rank * n * (int64_t)sizeof(bfloat16)));
      products.resize(rank * TILE);
      multiply_tile({0, given.matrix[i].rows, rank, n}, 0, rank, nullptr, false, panel.data(), vectors, products.data(), unused);
      for (int64_t v = 0; v < vectors; v++) {
        Lanes squares = {};
        for (int64_t r = 0; r < rank; r++) squares += load(&products[r * TILE + v * LANES]) * load(&products[r * TILE + v * LANES]);
        float lengths[LANES];
        store(lengths, (Lanes)_mm512_sqrt_ps((__m512)squares));
        memcpy(given.to + i * given.tokens + first + v * LANES, lengths, std::min(LANES, count - v * LANES) * sizeof(float));
      }
    }
  }
}
#endif

void lengths(const Lengths &given, int thread, int threads) {
  Range mine = share(given.matrices, thread, threads);
#ifdef __AVX512BF16__
  if (given.bfloat16 && given.in % 32 == 0) {
    lengths_of_tiles(given, mine);
    return;
  }
#endif
  if (given.bfloat16)
    lengths<bfloat16>(given, mine);
  else
    lengths<float>(given, mine);
}

}  // namespace QUIVER_ISA
}  // namespace quiver
