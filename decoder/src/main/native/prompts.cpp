// Attention of many tokens of one text over its cache, in bfloat16: what libtorch multiplies in float32 on processors of some makers. Compiled
// once for each instruction set, and there only for the one that multiplies pairs of bfloat16.
//
// A unit of work is a few tokens of the heads that share a head of keys. It goes over the keys in blocks of 64, which it lays out in pairs
// first, with the running maximum and sum of softmax (Milakov & Gimelshein 2018). A token's result depends neither on the unit that it is in,
// nor on the threads, nor on the pieces that a prompt is read in: blocks begin at multiples of 64.
#include "choose.h"
#include <algorithm>
#include <atomic>
#include <vector>

namespace quiver {
namespace QUIVER_ISA {

#ifdef __AVX512BF16__

namespace {

constexpr int64_t KEYS = 64;  // of a block
constexpr int64_t ROWS = 4;   // at once, in registers; a row is a token's query of one head
constexpr int64_t UNIT = 64;  // rows of a unit, or eight tokens

// to[c][r] = from[r][c], sixteen by sixteen.
void transpose(const uint32_t *from, int64_t stride, uint32_t *to, int64_t to_stride) {
  __m512i r[16], a[16], b[16];
  for (int i = 0; i < 16; i++) r[i] = _mm512_loadu_si512(from + i * stride);
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
    _mm512_storeu_si512(to + c * to_stride, _mm512_shuffle_i32x4(even, even_below, 0x88));
    _mm512_storeu_si512(to + (4 + c) * to_stride, _mm512_shuffle_i32x4(odd, odd_below, 0x88));
    _mm512_storeu_si512(to + (8 + c) * to_stride, _mm512_shuffle_i32x4(even, even_below, 0xdd));
    _mm512_storeu_si512(to + (12 + c) * to_stride, _mm512_shuffle_i32x4(odd, odd_below, 0xdd));
  }
}

class Unit {
  const Prompt &given;
  const int64_t dim, group, head, first, last;  // head: of the keys; tokens [first, last) of the prompt's piece
  std::vector<uint32_t> keys;                   // (dim / 2, KEYS): pairs of features
  std::vector<uint32_t> values;                 // (KEYS / 2, dim): pairs of keys, the features in the order of `ordered`
  std::vector<float> scores;                    // (ROWS, KEYS)
  std::vector<float> sums;                      // (rows, dim), as the values are ordered
  std::vector<float> most, total;               // (rows)
  std::vector<bfloat16> rest;                   // (2, KEYS, dim): keys and values of a block that is not full

 public:
  Unit(const Prompt &given, int64_t head, int64_t first, int64_t last)
      : given(given), dim(given.head_dim), group(given.heads / given.kv_heads), head(head), first(first), last(last), keys(dim / 2 * KEYS),
        values(KEYS / 2 * dim), scores(ROWS * KEYS), sums(rows() * dim), most(rows(), -INFINITY), total(rows()) {}

  void run() {
    const int64_t from = given.window > 0 ? std::max((int64_t)0, given.start + first + 1 - given.window) / KEYS * KEYS : 0;
    const int64_t until = given.start + last;
    for (int64_t key = from; key < until; key += KEYS) {
      lay_out(key, std::min(KEYS, until - key));
      // A row's tokens rise, so those that see nothing of this block are the first ones.
      int64_t row = std::max((int64_t)0, key - given.start - first) * group / ROWS * ROWS;
      for (; row < rows(); row += ROWS) block(key, row);
    }
    for (int64_t row = 0; row < count(); row++) write(row);
  }

 private:
  int64_t count() const { return (last - first) * group; }
  int64_t rows() const { return (count() + ROWS - 1) / ROWS * ROWS; }  // what fills up repeats the last row
  int64_t token(int64_t row) const { return first + std::min(row, count() - 1) / group; }
  int64_t query_head(int64_t row) const { return head * group + std::min(row, count() - 1) % group; }

  void lay_out(int64_t key, int64_t present) {
    const int64_t offset = (head * given.capacity + key) * dim;
    const uint32_t *k = (const uint32_t *)((const bfloat16 *)given.keys + offset);
    const bfloat16 *v = (const bfloat16 *)given.values + offset;
    if (present < KEYS) {
      // The last block: zeros after what is there, which is not yet written.
      rest.assign(2 * KEYS * dim, bfloat16{0});
      memcpy(rest.data(), k, present * dim * sizeof(bfloat16));
      memcpy(rest.data() + KEYS * dim, v, present * dim * sizeof(bfloat16));
      k = (const uint32_t *)rest.data();
      v = rest.data() + KEYS * dim;
    }
    for (int64_t i = 0; i < KEYS; i += 16)
      for (int64_t d = 0; d < dim / 2; d += 16) transpose(k + i * (dim / 2) + d, dim / 2, &keys[d * KEYS + i], KEYS);
    for (int64_t i = 0; i < KEYS; i += 2)
      for (int64_t d = 0; d < dim; d += 32) {
        __m512i one = _mm512_loadu_si512(v + i * dim + d), two = _mm512_loadu_si512(v + (i + 1) * dim + d);
        _mm512_storeu_si512(&values[i / 2 * dim + d], _mm512_unpacklo_epi16(one, two));
        _mm512_storeu_si512(&values[i / 2 * dim + d + 16], _mm512_unpackhi_epi16(one, two));
      }
  }

  // Rows [row, row + ROWS) and the keys of the block.
  void block(int64_t key, int64_t row) {
    score(row);
    uint32_t weights[ROWS][KEYS / 2];  // pairs of keys
    float decay[ROWS];
    for (int64_t m = 0; m < ROWS; m++) decay[m] = weigh(key, row + m, &scores[m * KEYS], (bfloat16 *)weights[m]);
    int64_t d = 0;
    for (; d + 64 <= dim; d += 64) mix<4>(row, d, weights, decay);
    for (; d < dim; d += 32) mix<2>(row, d, weights, decay);
  }

  void score(int64_t row) {
    const uint32_t *q[ROWS];
    for (int64_t m = 0; m < ROWS; m++) q[m] = (const uint32_t *)((const bfloat16 *)given.q + token(row + m) * given.q_stride + query_head(row + m) * dim);
    __m512 acc[ROWS][4] = {};
    for (int64_t d = 0; d < dim / 2; d++) {
      __m512bh k[4];
      for (int v = 0; v < 4; v++) k[v] = (__m512bh)_mm512_loadu_si512(&keys[d * KEYS + 16 * v]);
      for (int64_t m = 0; m < ROWS; m++) {
        __m512bh pair = (__m512bh)_mm512_set1_epi32((int)q[m][d]);
        for (int v = 0; v < 4; v++) acc[m][v] = _mm512_dpbf16_ps(acc[m][v], k[v], pair);
      }
    }
    for (int64_t m = 0; m < ROWS; m++)
      for (int v = 0; v < 4; v++) store(&scores[m * KEYS + 16 * v], (Lanes)acc[m][v]);
  }

  // The part of softmax for one row of scores: weights of the keys that the row sees, rounded; returns what the sums so far are worth.
  float weigh(int64_t key, int64_t row, float *s, bfloat16 *weights) {
    typedef int32_t Whole __attribute__((vector_size(64)));
    const int64_t place = given.start + token(row);
    const Whole last_seen = Whole{} + (int32_t)(place - key), first_seen = Whole{} + (int32_t)(given.window > 0 ? place - given.window + 1 - key : -1);
    const float scale = given.scale, cap = given.cap;
    Lanes x[4], largest = all(-INFINITY);
    Whole at = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    for (int v = 0; v < 4; v++, at += 16) {
      x[v] = load(s + 16 * v) * scale;
      if (cap > 0)
        for (int i = 0; i < LANES; i++) x[v][i] = std::tanh(x[v][i] / cap) * cap;
      x[v] = ((at <= last_seen) & (at >= first_seen)) ? x[v] : all(-INFINITY);
      largest = x[v] > largest ? x[v] : largest;
    }
    const float before = most[row], now = std::max(before, _mm512_reduce_max_ps((__m512)largest));
    if (now == -INFINITY) {
      memset(weights, 0, KEYS * sizeof(bfloat16));
      return 1;
    }
    Lanes sum_of = {};
    for (int v = 0; v < 4; v++) {
      Lanes e = exponential(x[v] - now);
      e = x[v] == -INFINITY ? Lanes{} : e;
      sum_of += e;
      put(weights + 16 * v, e);
    }
    const float decay = before == now ? 1 : before == -INFINITY ? 0 : std::exp(before - now);
    most[row] = now;
    total[row] = total[row] * decay + sum(sum_of);
    return decay;
  }

  // sums[row][d...] = decay sums + weights . values, V times sixteen features.
  template <int V>
  void mix(int64_t row, int64_t d, const uint32_t (&weights)[ROWS][KEYS / 2], const float (&decay)[ROWS]) {
    Lanes acc[ROWS][V];
    for (int64_t m = 0; m < ROWS; m++)
      for (int v = 0; v < V; v++) acc[m][v] = load(&sums[(row + m) * dim + d + 16 * v]) * decay[m];
    for (int64_t i = 0; i < KEYS / 2; i++) {
      __m512bh value[V];
      for (int v = 0; v < V; v++) value[v] = (__m512bh)_mm512_loadu_si512(&values[i * dim + d + 16 * v]);
      for (int64_t m = 0; m < ROWS; m++) {
        __m512bh pair = (__m512bh)_mm512_set1_epi32((int)weights[m][i]);
        for (int v = 0; v < V; v++) acc[m][v] = (Lanes)_mm512_dpbf16_ps((__m512)acc[m][v], value[v], pair);
      }
    }
    for (int64_t m = 0; m < ROWS; m++)
      for (int v = 0; v < V; v++) store(&sums[(row + m) * dim + d + 16 * v], acc[m][v]);
  }

  void write(int64_t row) {
    const float inverse = 1 / total[row];
    bfloat16 *to = (bfloat16 *)given.to + (token(row) * given.heads + query_head(row)) * dim;
    for (int64_t d = 0; d < dim; d += 32) {
      __m512 one = _mm512_loadu_ps(&sums[row * dim + d]), two = _mm512_loadu_ps(&sums[row * dim + d + 16]);
      put(to + d, (Lanes)_mm512_permutex2var_ps(one, _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23), two) * inverse);
      put(to + d + 16, (Lanes)_mm512_permutex2var_ps(one, _mm512_setr_epi32(8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31), two) * inverse);
    }
  }
};

}  // namespace

bool attends() { return true; }

// Whoever is free takes the next unit, the longest first.
void attend(const Prompt &given, std::atomic<int64_t> &next) {
  const int64_t tokens = std::max((int64_t)8, UNIT * given.kv_heads / given.heads);
  const int64_t pieces = (given.tokens + tokens - 1) / tokens, units = pieces * given.kv_heads;
  for (int64_t i = next++; i < units; i = next++) {
    int64_t piece = pieces - 1 - i / given.kv_heads;
    Unit(given, i % given.kv_heads, piece * tokens, std::min((piece + 1) * tokens, given.tokens)).run();
  }
}

#else

bool attends() { return false; }
void attend(const Prompt &, std::atomic<int64_t> &) {}

#endif

}  // namespace QUIVER_ISA
}  // namespace quiver
