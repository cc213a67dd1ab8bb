// The attention of one row's queries over its cache, without libtorch. Heads that read the same keys are computed together: a key is
// loaded and widened once for them. How many they are changes no result.
#pragma once
#include "step.h"
#include "dots.h"
#include <algorithm>
#include <vector>

namespace quiver {
namespace QUIVER_ISA {

template <class W>
class Attention {
  const Model &model;
  const Step &step;
  Scratch &shared;
  std::vector<float> weights;  // (heads at once, length of a row of them)

 public:
  Attention(const Step &step, Scratch &shared) : model(*step.model), step(step), shared(shared) {}

  // Row m in layer l: the heads [head, head + count), which have one head of keys. Queries are in shared.y (rows, outputs), what comes out
  // goes to shared.attended.
  void attend(int64_t l, int64_t m, int64_t head, int64_t count, int64_t outputs) {
    const int64_t dim = model.head_dim, until = step.row[m].position + 1;
    const int64_t from = model.kind[l].sliding ? std::max((int64_t)0, until - model.window) : 0, length = until - from;
    const Row &row = step.row[m];
    const int64_t offset = (head / (model.heads / model.kv_heads) * row.capacity + from) * dim;
    const W *keys = (const W *)row.cache[2 * l] + offset, *values = (const W *)row.cache[2 * l + 1] + offset;
    for (int64_t i = 0; i < 16; i++) __builtin_prefetch((const char *)values + 64 * i);
    const float *q = &shared.y[m * outputs + head * dim];
    float *to = &shared.attended[(m * model.heads + head) * dim];
    for (; count >= 4; count -= 4, q += 4 * dim, to += 4 * dim) attend<4>(q, keys, values, length, to);
    if (count == 3) attend<3>(q, keys, values, length, to);
    if (count == 2) attend<2>(q, keys, values, length, to);
    if (count == 1) attend<1>(q, keys, values, length, to);
  }

 private:
  template <int G>
  void attend(const float *q, const W *keys, const W *values, int64_t length, float *to) {
    const int64_t dim = model.head_dim, row = (length + LANES - 1) / LANES * LANES;
    weights.resize(G * row);
    float *p = weights.data(), inverse[G];
    scores<G>(q, keys, length, row, p);
    for (int g = 0; g < G; g++) inverse[g] = 1 / softmax(p + g * row, length, row);
    int64_t d = 0;
    for (; d + 4 * LANES <= dim; d += 4 * LANES) mix<G, 4>(p, row, values + d, length, inverse, to + d);
    for (; d + LANES <= dim; d += LANES) mix<G, 1>(p, row, values + d, length, inverse, to + d);
    for (; d < dim; d++)
      for (int g = 0; g < G; g++) {
        float s = 0;
        for (int64_t i = 0; i < length; i++) s += p[g * row + i] * number(values[i * dim + d]);
        to[g * dim + d] = s * inverse[g];
      }
  }

  // p[g][i] = q[g] . key[i], sixteen sums at once: of four keys with up to four queries, or of sixteen keys with one.
  template <int G>
  void scores(const float *q, const W *keys, int64_t length, int64_t row, float *p) {
    constexpr int KEYS = G == 1 ? 16 : 4;
    const int64_t dim = model.head_dim;
    int64_t i = 0;
    for (; dim % LANES == 0 && i + KEYS <= length; i += KEYS) {
      Lanes acc[4][4] = {};
      float unused[4], *out[4] = {unused, unused, unused, unused};
      for (int g = 0; g < G; g++) out[g] = p + g * row + i;
      for (int b = 1; G == 1 && b < 4; b++) out[b] = p + i + 4 * b;
      for (int64_t d = 0; d < dim; d += LANES)
        for (int b = 0; b < KEYS / 4; b++)
          for (int r = 0; r < 4; r++) {
            Lanes key = load(keys + (i + 4 * b + r) * dim + d);
            for (int g = 0; g < G; g++) acc[r][G == 1 ? b : g] += load(q + g * dim + d) * key;
          }
      sum_each<4, 4>(acc, out);
    }
    for (; i < length; i++)
      for (int g = 0; g < G; g++) p[g * row + i] = score(q + g * dim, keys + i * dim, dim);
  }

  static float score(const float *q, const W *key, int64_t dim) {
    Lanes a = {};
    int64_t i = 0;
    for (; i + LANES <= dim; i += LANES) a += load(q + i) * load(key + i);
    float s = sum(a);
    for (; i < dim; i++) s += q[i] * number(key[i]);
    return s;
  }

  // exp(p - max p) of the scaled scores, in place, and 0 in what fills up the row; returns their sum.
  float softmax(float *p, int64_t length, int64_t row) {
    const float scale = (float)model.scales->query, cap = (float)model.scales->score_cap;
    std::fill(p + length, p + row, -INFINITY);
    Lanes largest = all(-INFINITY);
    for (int64_t i = 0; i < row; i += LANES) {
      Lanes s = load(p + i) * scale;
      if (cap > 0)
        for (int j = 0; j < LANES; j++) s[j] = std::tanh(s[j] / cap) * cap;
      if (cap > 0 && i + LANES > length)
        for (int64_t j = length - i; j < LANES; j++) s[j] = -INFINITY;
      store(p + i, s);
      largest = s > largest ? s : largest;
    }
    float most = largest[0];
    for (int j = 1; j < LANES; j++) most = std::max(most, largest[j]);
    Lanes sums = {};
    for (int64_t i = 0; i < row; i += LANES) {
      Lanes e = exponential(load(p + i) - most);
      if (i + LANES > length)
        for (int64_t j = length - i; j < LANES; j++) e[j] = 0;
      store(p + i, e);
      sums += e;
    }
    return sum(sums);
  }

  // to[g] = sum of p[g][i] values[i], times inverse[g], V times sixteen columns.
  template <int G, int V>
  void mix(const float *p, int64_t row, const W *values, int64_t length, const float *inverse, float *to) {
    const int64_t dim = model.head_dim;
    Lanes acc[G][V] = {};
    for (int64_t i = 0; i < length; i++) {
      Lanes value[V];
      for (int v = 0; v < V; v++) value[v] = load(values + i * dim + v * LANES);
      for (int g = 0; g < G; g++)
        for (int v = 0; v < V; v++) acc[g][v] += all(p[g * row + i]) * value[v];
    }
    for (int g = 0; g < G; g++)
      for (int v = 0; v < V; v++) store(to + g * dim + v * LANES, acc[g][v] * inverse[g]);
  }
};

}  // namespace QUIVER_ISA
}  // namespace quiver
