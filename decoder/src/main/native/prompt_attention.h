// Attention of many tokens of one text over its cache, in bfloat16: what libtorch multiplies in float32 on processors of some makers. Only for
// processors that multiply pairs of bfloat16.
//
// A unit of work is a few tokens of the heads that share a head of keys. It goes over the keys in blocks of 64, which it lays out in pairs
// first, with the running maximum and sum of softmax (Milakov & Gimelshein 2018). A token's result depends neither on the unit that it is in,
// nor on the threads, nor on the pieces that a prompt is read in: blocks begin at multiples of 64.
#pragma once
#include "tiles.h"
#include <algorithm>
#include <vector>

namespace quiver {
namespace QUIVER_ISA {

#ifdef __AVX512BF16__

constexpr int64_t KEYS = 64;  // of a block
constexpr int64_t QUERIES = 4;   // at once, in registers; a row is a token's query of one head
constexpr int64_t UNIT = 96;      // rows of a unit, or eight tokens

// Some tokens of one text with the heads that share one head of keys.
class PromptUnit {
  const Prompt &given;
  const int64_t dim, group, head, first, last;  // head: of the keys; tokens [first, last) of the prompt's piece
  std::vector<uint32_t> keys;                   // (dim / 2, KEYS): pairs of features
  std::vector<uint32_t> values;                 // (KEYS / 2, dim): pairs of keys, the features in the order of `ordered`
  std::vector<float> scores;                    // (QUERIES, KEYS)
  std::vector<float> sums;                      // (rows, dim), as the values are ordered
  std::vector<float> most;                      // (rows): largest scores so far, times log2 e
  std::vector<float> total;                     // (rows, LANES): their weights so far
  std::vector<bfloat16> rest;                   // (2, KEYS, dim): keys and values of a block that is not full

 public:
  PromptUnit(const Prompt &given, int64_t head, int64_t first, int64_t last)
      : given(given), dim(given.head_dim), group(given.heads / given.kv_heads), head(head), first(first), last(last), keys(dim / 2 * KEYS),
        values(KEYS / 2 * dim), scores(QUERIES * KEYS), sums(rows() * dim), most(rows(), -INFINITY), total(rows() * LANES) {}

  void run() {
    const int64_t from = given.window > 0 ? std::max((int64_t)0, given.start + first + 1 - given.window) / KEYS * KEYS : 0;
    const int64_t until = given.start + last, written = given.start + given.tokens;
    for (int64_t key = from; key < until; key += KEYS) {
      lay_out(key, std::min(KEYS, written - key));
      // A row's tokens rise, so those that see nothing of this block are the first ones.
      int64_t row = std::max((int64_t)0, key - given.start - first) * group / QUERIES * QUERIES;
      for (; row < rows(); row += QUERIES) block(key, row);
    }
    for (int64_t row = 0; row < count(); row++) write(row);
  }

 private:
  int64_t count() const { return (last - first) * group; }
  int64_t rows() const { return (count() + QUERIES - 1) / QUERIES * QUERIES; }  // what fills up repeats the last row
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

  // Rows [row, row + QUERIES) and the keys of the block, as far as the last of these rows sees them.
  void block(int64_t key, int64_t row) {
    switch (std::min((given.start + token(row + QUERIES - 1) - key) / LANES, (int64_t)3)) {
      case 0: return block<1>(key, row);
      case 1: return block<2>(key, row);
      case 2: return block<3>(key, row);
      default: return block<4>(key, row);
    }
  }

  // K vectors of keys.
  template <int K>
  void block(int64_t key, int64_t row) {
    uint32_t weights[QUERIES][KEYS / 2];  // pairs of keys
    float decay[QUERIES];
    score<K>(row);
    weigh<K>(key, row, weights, decay);
    int64_t d = 0;
    for (; d + 64 <= dim; d += 64) mix<K, 4>(row, d, weights, decay);
    for (; d < dim; d += 32) mix<K, 2>(row, d, weights, decay);
  }

  template <int K>
  void score(int64_t row) {
    const uint32_t *q[QUERIES], *k = keys.data();
    for (int64_t m = 0; m < QUERIES; m++) q[m] = (const uint32_t *)((const bfloat16 *)given.q + token(row + m) * given.q_stride + query_head(row + m) * dim);
    __m512 acc[QUERIES][K] = {};
    const int64_t pairs = dim / 2;
#pragma GCC unroll 4
    for (int64_t d = 0; d < pairs; d++, k += KEYS) {
      __m512bh some[K];
      for (int v = 0; v < K; v++) some[v] = (__m512bh)_mm512_loadu_si512(k + 16 * v);
      for (int64_t m = 0; m < QUERIES; m++)
        for (int v = 0; v < K; v++) acc[m][v] = _mm512_dpbf16_ps(acc[m][v], some[v], pair_of(q[m] + d));
    }
    for (int64_t m = 0; m < QUERIES; m++)
      for (int v = 0; v < K; v++) store(&scores[m * KEYS + 16 * v], (Lanes)acc[m][v]);
  }

  // Which of the block's keys a row sees, a bit a key.
  uint64_t seen(int64_t key, int64_t row) const {
    const int64_t place = given.start + token(row) - key, first_seen = given.window > 0 ? place - given.window + 1 : 0;
    if (place < 0 || first_seen > 63) return 0;
    const uint64_t until = place >= 63 ? ~0ull : (2ull << place) - 1;
    return first_seen <= 0 ? until : until & ~0ull << first_seen;
  }

  // The scores of a row, times log2 e, and nothing where it does not see.
  template <int K>
  void take_scores(uint64_t seen, const float *s, Lanes (&x)[K]) const {
    constexpr float LOG2_E = 1.44269504f;
    const Lanes scale = all(given.scale * LOG2_E);
    for (int v = 0; v < K; v++) x[v] = load(s + 16 * v) * scale;
    if (given.cap > 0)
      for (int v = 0; v < K; v++)
        for (int i = 0; i < LANES; i++) x[v][i] = std::tanh(s[16 * v + i] * given.scale / given.cap) * given.cap * LOG2_E;
    for (int v = 0; v < K; v++) x[v] = (Lanes)_mm512_mask_mov_ps(_mm512_set1_ps(-INFINITY), (__mmask16)(seen >> 16 * v), (__m512)x[v]);
  }

  // The largest of each row: the rows' vectors side by side.
  static __m128 largest(const __m512 (&row)[QUERIES]) {
    __m512 halves[2];
    for (int i = 0; i < 2; i++) {
      __m512 one = row[2 * i], two = row[2 * i + 1];
      halves[i] = _mm512_max_ps(_mm512_shuffle_f32x4(one, two, 0x44), _mm512_shuffle_f32x4(one, two, 0xee));
    }
    __m512 all_of_it = _mm512_max_ps(_mm512_shuffle_f32x4(halves[0], halves[1], 0x88), _mm512_shuffle_f32x4(halves[0], halves[1], 0xdd));
    all_of_it = _mm512_max_ps(all_of_it, _mm512_permute_ps(all_of_it, 0x4e));
    all_of_it = _mm512_max_ps(all_of_it, _mm512_permute_ps(all_of_it, 0xb1));
    return _mm512_castps512_ps128(_mm512_permutexvar_ps(_mm512_setr_epi32(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12), all_of_it));
  }

  // The part of softmax for the rows at hand, all of it in powers of two: weights of the keys that a row sees, rounded, and what its sums so
  // far are worth.
  template <int K>
  void weigh(int64_t key, int64_t row, uint32_t (&weights)[QUERIES][KEYS / 2], float (&decay)[QUERIES]) {
    Lanes x[QUERIES][K];
    __m512 high[QUERIES];
    for (int m = 0; m < QUERIES; m++) {
      take_scores<K>(seen(key, row + m), &scores[m * KEYS], x[m]);
      high[m] = (__m512)x[m][0];
      for (int v = 1; v < K; v++) high[m] = _mm512_max_ps(high[m], (__m512)x[m][v]);
    }
    // Where nothing was seen so far, any finite number does.
    const __m128 before = _mm_loadu_ps(&most[row]), now = _mm_max_ps(_mm_max_ps(before, largest(high)), _mm_set1_ps(-1e30f));
    _mm_storeu_ps(&most[row], now);
    const Lanes worth = power_of_two((Lanes)_mm512_castps128_ps512(_mm_sub_ps(before, now)));
    for (int m = 0; m < QUERIES; m++) {
      decay[m] = worth[m];
      const Lanes top = all(most[row + m]);
      Lanes e[4] = {};
      for (int v = 0; v < K; v++) {
        e[v] = power_of_two<true>(x[m][v] - top);
        put((bfloat16 *)weights[m] + 16 * v, e[v]);
      }
      float *sum = &total[(row + m) * LANES];
      store(sum, load(sum) * decay[m] + ((e[0] + e[1]) + (e[2] + e[3])));
    }
  }

  // sums[row][d...] = decay sums + weights . values, V times sixteen features.
  template <int K, int V>
  void mix(int64_t row, int64_t d, const uint32_t (&weights)[QUERIES][KEYS / 2], const float (&decay)[QUERIES]) {
    Lanes acc[QUERIES][V];
    for (int64_t m = 0; m < QUERIES; m++)
      for (int v = 0; v < V; v++) acc[m][v] = load(&sums[(row + m) * dim + d + 16 * v]) * decay[m];
    for (int64_t i = 0; i < K * 8; i++) {
      __m512bh value[V];
      for (int v = 0; v < V; v++) value[v] = (__m512bh)_mm512_loadu_si512(&values[i * dim + d + 16 * v]);
      for (int64_t m = 0; m < QUERIES; m++) {
        __m512bh pair = (__m512bh)_mm512_set1_epi32((int)weights[m][i]);
        for (int v = 0; v < V; v++) acc[m][v] = (Lanes)_mm512_dpbf16_ps((__m512)acc[m][v], value[v], pair);
      }
    }
    for (int64_t m = 0; m < QUERIES; m++)
      for (int v = 0; v < V; v++) store(&sums[(row + m) * dim + d + 16 * v], acc[m][v]);
  }

  void write(int64_t row) {
    const float inverse = 1 / sum(load(&total[row * LANES]));
    bfloat16 *to = (bfloat16 *)given.to + (token(row) * given.heads + query_head(row)) * dim;
    for (int64_t d = 0; d < dim; d += 32) {
      __m512 one = _mm512_loadu_ps(&sums[row * dim + d]), two = _mm512_loadu_ps(&sums[row * dim + d + 16]);
      put(to + d, (Lanes)_mm512_permutex2var_ps(one, _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23), two) * inverse);
      put(to + d + 16, (Lanes)_mm512_permutex2var_ps(one, _mm512_setr_epi32(8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31), two) * inverse);
    }
  }
};

// Tokens of a unit.
inline int64_t unit_tokens(const Prompt &given) { return std::max((int64_t)8, UNIT * given.kv_heads / given.heads); }

#endif

}  // namespace QUIVER_ISA
}  // namespace quiver
