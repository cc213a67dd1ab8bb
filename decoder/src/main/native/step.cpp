// One pass of a few tokens through the model with their experts, all of it in one parallel region. Compiled once for each instruction set.
//
// At every point each thread computes its share of the rows of the linear layers and of the coarse scores; then the experts are chosen
// (exact scores only of those that the coarse ones cannot rule out); then the chosen A are applied, then B, and what follows the linear
// layer (rotation and cache, residual, SiLU) is done by the thread that owns the outputs. Barriers stand between. Without experts at
// a point the barriers for them are left out. No result depends on the number of threads, nor on the other rows of the step.
#include "choose.h"
#include <algorithm>
#include <vector>

namespace quiver {
namespace QUIVER_ISA {

template <class W>
class Pass {
  typedef typename Activation<W>::type X;

  const Step &step;
  const Model &model;
  Barrier &barrier;
  Scratch &shared;
  const int t, threads;
  const int rows;
  // This thread's own.
  std::vector<float> normed;  // (rows, widest): what the linears at this point read
  std::vector<X> input;       // (rows, widest): the same, as it is multiplied
  std::vector<float> kept_normed;
  std::vector<X> kept_input;
  std::vector<float> small;

 public:
  Pass(const Step &step, Barrier &barrier, Scratch &shared, int t, int threads)
      : step(step), model(*step.model), barrier(barrier), shared(shared), t(t), threads(threads), rows((int)step.rows),
        normed(step.rows * shared.widest), input(step.rows * shared.widest) {}

  void run() {
    embed();
    barrier.wait(threads);
    const int64_t h = model.hidden, q = model.heads * model.head_dim;
    for (int64_t l = 0; l < model.layers; l++) {
      const Layer &layer = model.layer[l];
      norm(layer.attention_norm, layer.attention_norm_bias);
      if (model.parallel) {
        kept_normed = normed;
        kept_input = input;
      }
      linear(4 * l, layer.qkv, bias(model.bias_in, layer.qkv_bias), h, model.heads + 2 * model.kv_heads, model.head_dim, 1);
      turn(l);
      barrier.wait(threads);
      attend(l);
      barrier.wait(threads);
      take(shared.attended.data(), q);
      linear(4 * l + 1, layer.o, bias(model.bias_out, layer.o_bias), q, (h + 15) / 16, 16, 1);
      residual(layer.attention_output_norm);
      barrier.wait(threads);
      if (model.parallel) {
        normed = kept_normed;
        input = kept_input;
      } else {
        norm(layer.mlp_norm, layer.mlp_norm_bias);
      }
      linear(4 * l + 2, layer.gate_up, bias(model.bias_mlp, layer.gate_up_bias), h, (model.intermediate + 15) / 16, 16, model.gated ? 2 : 1);
      activate();
      barrier.wait(threads);
      take(shared.inner.data(), model.intermediate);
      linear(4 * l + 3, layer.down, bias(model.bias_mlp, layer.down_bias), model.intermediate, (h + 15) / 16, 16, 1);
      residual(layer.mlp_output_norm);
      barrier.wait(threads);
    }
    norm(model.last_norm, model.last_norm_bias);
    head();
  }

 private:
  static const W *bias(int64_t present, const void *bias) { return present ? (const W *)bias : nullptr; }

  void embed() {
    Range mine = share(model.hidden, t, threads);
    for (int m = 0; m < rows; m++) {
      const W *from = (const W *)model.embedding + step.row[m].token * model.hidden;
      float *x = &shared.x[m * model.hidden];
      for (int64_t i = mine.first; i < mine.last; i++) x[i] = number(from[i]) * (float)model.scales->embedding;
    }
  }

  // RMSNorm: 1 / length of what it is divided by, where the weights have the root of the width in them.
  static float inverse_length(const float *x, int64_t n, float floor) { return 1 / std::sqrt(dot(x, x, n) + floor * floor); }

  // The norm of x. Every thread does all of it for itself: that is less than a barrier.
  void norm(const float *weight, const float *bias) {
    const int64_t n = model.hidden;
    for (int m = 0; m < rows; m++) {
      const float *x = &shared.x[m * n];
      float *y = &normed[m * shared.widest];
      if (model.layer_norm) {
        double mean = 0, square = 0;
        for (int64_t i = 0; i < n; i++) mean += x[i];
        mean /= n;
        for (int64_t i = 0; i < n; i++) square += (x[i] - mean) * (x[i] - mean);
        float scale = (float)(1 / std::sqrt(square / n + model.scales->epsilon));
        for (int64_t i = 0; i < n; i++) y[i] = (x[i] - (float)mean) * scale * weight[i] + bias[i];
      } else {
        float scale = inverse_length(x, n, *model.norm_floor);
        for (int64_t i = 0; i < n; i++) y[i] = x[i] * scale * weight[i];
      }
      round_all<W>(y, n, &input[m * shared.widest]);
    }
  }

  void take(const float *x, int64_t n) {
    for (int m = 0; m < rows; m++) {
      memcpy(&normed[m * shared.widest], x + m * n, n * sizeof(float));
      round_all<W>(x + m * n, n, &input[m * shared.widest]);
    }
  }

  // The linears at one point with their experts: this thread's outputs in shared.y (rows, outputs). The outputs are `blocks` blocks of units,
  // a unit is `unit` outputs: this thread has the same units of every block.
  void linear(int64_t point, const void *weights, const W *bias, int64_t n, int64_t units, int64_t unit, int64_t blocks) {
    const W *w = (const W *)weights;
    const int64_t height = point % 4 == 0 ? units * unit : point % 4 == 2 ? model.intermediate : model.hidden;
    outputs = height * blocks;
    Range mine = share(units, t, threads);
    first = mine.first * unit;
    last = std::min(mine.last * unit, height);
    for (int64_t b = 0; b < blocks && first < last; b++) {
      multiply(w + (b * height + first) * n, last - first, n, input.data(), shared.widest, rows, &shared.y[b * height + first], outputs);
      for (int m = 0; bias && m < rows; m++)
        for (int64_t i = b * height + first; i < b * height + last; i++) shared.y[m * outputs + i] += number(bias[i]);
    }
    bool gated = false, constant = false;
    for (int64_t p = 0; p < step.parts; p++) {
      const Part &part = step.part[p];
      const Place &place = part.place[point];
      if (place.most == 0) continue;
      if (part.top_k == 0) {
        constant = true;
      } else {
        gated = true;
        coarse(part, place, n);
      }
    }
    if (!gated && !constant) return;
    if (gated) {
      barrier.wait(threads);
      select(point, n);
      barrier.wait(threads);
    }
    project(point, n);
    barrier.wait(threads);
    for (int64_t b = 0; b < blocks; b++) add(point, b * height + first, b * height + last);
  }

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

  void select(const Part &part, int64_t p, const Place &place, int64_t point, int64_t row, int64_t j, int64_t n) {
    const int64_t k = chosen_of(part, place);
    Choice *best = choices(row, j, k);
    choose<W>(place, j, n, k, &normed[row * shared.widest], &input[row * shared.widest], &shared.scores[row * shared.scores_of_row + j],
              (float)step.inverse_temperature[p], best, small);
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

  // Adds the chosen B to the outputs [from, to) of all rows.
  void add(int64_t point, int64_t from, int64_t to) {
    for (int64_t p = 0; p < step.parts; p++) {
      const Part &part = step.part[p];
      const Place &place = part.place[point];
      if (place.most == 0) continue;
      for (int64_t c = from / place.width; c * place.width < to; c++) {
        int64_t begin = std::max(from, c * place.width), end = std::min(to, (c + 1) * place.width);
        for (int64_t row = part.first; row < part.first + part.rows; row++) add(part, place, c, row, begin, end);
      }
    }
  }

  void add(const Part &part, const Place &place, int64_t c, int64_t row, int64_t begin, int64_t end) {
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
    // Rows of B in the order in which they lie, four at a time; the next four are fetched meanwhile, since no hardware guesses them.
    float *y = &shared.y[row * outputs] + begin;
    const int64_t offset = begin - c * width, count = end - begin;
    const size_t rows_of_b = terms.size() * rank;
    auto row_of_b = [&](size_t r) { return terms[r / rank] + r % rank * width + offset; };
    size_t r = 0;
    for (; r + 4 <= rows_of_b; r += 4) {
      for (size_t ahead = r + 4; ahead < std::min(r + 8, rows_of_b); ahead++) fetch(row_of_b(ahead), count);
      const W *b[4] = {row_of_b(r), row_of_b(r + 1), row_of_b(r + 2), row_of_b(r + 3)};
      add_rows<4>(y, b, &small[r], count);
    }
    for (; r < rows_of_b; r++) {
      const W *b[1] = {row_of_b(r)};
      add_rows<1>(y, b, &small[r], count);
    }
  }

  // y += factor[0] b[0] + ... in that order
  template <int R>
  static void add_rows(float *y, const W *const *b, const float *factor, int64_t count) {
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) {
      Lanes sum = load(y + i);
      for (int r = 0; r < R; r++) sum += all(factor[r]) * load(b[r] + i);
      store(y + i, sum);
    }
    for (; i < count; i++) {
      float sum = y[i];
      for (int r = 0; r < R; r++) sum = std::fma(factor[r], number(b[r][i]), sum);
      y[i] = sum;
    }
  }

  // Rotary embedding of this thread's heads; its keys and values go into the cache, its queries stay in y.
  void turn(int64_t l) {
    const int64_t dim = model.head_dim, half = model.rotated / 2;
    const float *angles = &shared.angles[model.kind[l].rope * rows * model.rotated];
    for (int64_t head = first / dim; head * dim < last; head++)
      for (int m = 0; m < rows; m++) {
        float *x = &shared.y[m * outputs + head * dim];
        if (head < model.heads + model.kv_heads) {
          if (model.head_norms) {
            float scale = inverse_length(x, dim, *model.head_floor);
            for (int64_t i = 0; i < dim; i++) x[i] *= scale * model.layer[l].head_norm[head * dim + i];
          }
          const float *angle = angles + m * model.rotated;
          for (int64_t i = 0; i < half; i++) {
            float a = x[i], b = x[i + half], c = angle[i], s = angle[i + half];
            x[i] = a * c - b * s;
            x[i + half] = b * c + a * s;
          }
        }
        if (head >= model.heads) {
          const Row &row = step.row[m];
          bool key = head < model.heads + model.kv_heads;
          int64_t which = head - model.heads - (key ? 0 : model.kv_heads);
          W *to = (W *)row.cache[2 * l + (key ? 0 : 1)] + (which * row.capacity + row.position) * dim;
          for (int64_t i = 0; i < dim; i++) put(to + i, x[i]);
        }
      }
  }

  void attend(int64_t l) {
    Range mine = share(rows * model.heads, t, threads);
    for (int64_t i = mine.first; i < mine.last; i++) attend(l, i / model.heads, i % model.heads);
  }

  void attend(int64_t l, int64_t m, int64_t head) {
    const int64_t dim = model.head_dim, group = model.heads / model.kv_heads, until = step.row[m].position + 1;
    const int64_t from = model.kind[l].sliding ? std::max((int64_t)0, until - model.window) : 0, length = until - from;
    const Row &row = step.row[m];
    const W *keys = (const W *)row.cache[2 * l] + (head / group * row.capacity + from) * dim;
    const W *values = (const W *)row.cache[2 * l + 1] + (head / group * row.capacity + from) * dim;
    const float *q = &shared.y[m * outputs + head * dim];
    const float scale = (float)model.scales->query, cap = (float)model.scales->score_cap;
    small.assign((length + LANES - 1) / LANES * LANES, -INFINITY);
    float *p = small.data();
    float most = -INFINITY;
    for (int64_t i = 0; i < length; i++) {
      p[i] = of_key(q, keys + i * dim, dim) * scale;
      if (cap > 0) p[i] = std::tanh(p[i] / cap) * cap;
      most = std::max(most, p[i]);
    }
    Lanes sums = {};
    for (int64_t i = 0; i < (int64_t)small.size(); i += LANES) {
      Lanes e = exponential(load(p + i) - most);
      if (i + LANES > length) {
        float lane[LANES];
        store(lane, e);
        for (int64_t j = length - i; j < LANES; j++) lane[j] = 0;
        e = load(lane);
      }
      store(p + i, e);
      sums += e;
    }
    float inverse = 1 / sum(sums);
    float *out = &shared.attended[(m * model.heads + head) * dim];
    int64_t d = 0;
    for (; d + 4 * LANES <= dim; d += 4 * LANES) of_values<4>(p, values + d, length, dim, inverse, out + d);
    for (; d + LANES <= dim; d += LANES) of_values<1>(p, values + d, length, dim, inverse, out + d);
    for (; d < dim; d++) {
      float s = 0;
      for (int64_t i = 0; i < length; i++) s += p[i] * number(values[i * dim + d]);
      out[d] = s * inverse;
    }
  }

  static float of_key(const float *q, const W *key, int64_t dim) {
    Lanes a = {};
    int64_t i = 0;
    for (; i + LANES <= dim; i += LANES) a += load(q + i) * load(key + i);
    float s = sum(a);
    for (; i < dim; i++) s += q[i] * number(key[i]);
    return s;
  }

  template <int V>
  static void of_values(const float *p, const W *values, int64_t length, int64_t dim, float inverse, float *out) {
    Lanes acc[V] = {};
    for (int64_t i = 0; i < length; i++)
      for (int v = 0; v < V; v++) acc[v] += all(p[i]) * load(values + i * dim + v * LANES);
    for (int v = 0; v < V; v++) store(out + v * LANES, acc[v] * inverse);
  }

  void residual(const float *norm) {
    if (model.output_norms) barrier.wait(threads);
    for (int m = 0; m < rows; m++) {
      const float *y = &shared.y[m * outputs];
      float *x = &shared.x[m * model.hidden];
      if (model.output_norms) {
        float scale = inverse_length(y, model.hidden, *model.norm_floor);
        for (int64_t i = first; i < last; i++) x[i] += y[i] * scale * norm[i];
      } else {
        for (int64_t i = first; i < last; i++) x[i] += y[i];
      }
    }
  }

  static Lanes activated(Lanes x, int64_t activation) {
    if (activation == SILU) return x / (1.f + exponential(-x));
    // x/2 (1 + tanh(u)) = x / (1 + exp(-2u))
    if (activation == GELU_TANH) return x / (1.f + exponential(-1.5957691216f * (x + 0.044715f * x * x * x)));
    float each[LANES];
    store(each, x);
    for (float &y : each) y = .5f * y * (1 + std::erf(y * .70710678f));
    return load(each);
  }

  // The activation of the gate, times up; without a gate of up itself.
  void activate() {
    for (int m = 0; m < rows; m++) {
      const float *gate = &shared.y[m * outputs], *up = gate + model.intermediate;
      float *to = &shared.inner[m * model.intermediate];
      int64_t i = first;
      for (; i + LANES <= last; i += LANES) {
        Lanes a = activated(load(gate + i), model.activation);
        store(to + i, model.gated ? a * load(up + i) : a);
      }
      for (; i < last; i++) {
        float a = activated(all(gate[i]), model.activation)[0];
        to[i] = model.gated ? a * up[i] : a;
      }
    }
  }

  void head() {
    Range mine = share((model.vocabulary + 15) / 16, t, threads);
    int64_t from = mine.first * 16, until = std::min(mine.last * 16, model.vocabulary);
    int wanted = 0;
    for (int m = 0; m < rows; m++) {
      if (!step.row[m].logits) continue;
      if (m != wanted) memmove(&input[wanted * shared.widest], &input[m * shared.widest], model.hidden * sizeof(X));
      wanted++;
    }
    // The rows that want logits have them one after the other.
    for (int m = 0; m < rows; m++)
      if (step.row[m].logits) {
        float *logits = step.row[m].logits;
        multiply((const W *)model.head + from * model.hidden, until - from, model.hidden, input.data(), shared.widest, wanted, logits + from, model.vocabulary);
        finish(logits, wanted, from, until);
        return;
      }
  }

  void finish(float *logits, int wanted, int64_t from, int64_t until) {
    const W *bias = Pass::bias(model.bias_head, model.head_bias);
    const float cap = (float)model.scales->logit_cap;
    for (int m = 0; m < wanted && (bias || cap > 0); m++)
      for (int64_t i = from; i < until; i++) {
        float &logit = logits[m * model.vocabulary + i];
        if (bias) logit += number(bias[i]);
        if (cap > 0) logit = std::tanh(logit / cap) * cap;
      }
  }

  int64_t outputs = 0, first = 0, last = 0;  // of the point at hand: all outputs of a row, and this thread's of each block
  std::vector<const W *> terms;
};

void pass(const Step &step, Barrier &barrier, Scratch &scratch, int thread, int threads) {
  if (step.model->bfloat16)
    Pass<bfloat16>(step, barrier, scratch, thread, threads).run();
  else
    Pass<float>(step, barrier, scratch, thread, threads).run();
}

}  // namespace QUIVER_ISA
}  // namespace quiver
