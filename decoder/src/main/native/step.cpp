// One pass of a few tokens through the model with their experts, all of it in one parallel region. Compiled once for each instruction set.
//
// At every point each thread computes its share of the rows of the linear layers and of the coarse scores; then the experts are chosen
// (exact scores only of those that the coarse ones cannot rule out); then the chosen A are applied, then B, and what follows the linear
// layer (rotation and cache, residual, SiLU) is done by the thread that owns the outputs. Barriers stand between, and pieces of the linears'
// own work cover them. Without experts at a point the barriers for them are left out. No result depends on the number of threads, nor on the other rows of the step.
#include "activation.h"
#include "attention.h"
#include "experts.h"
#include "logits.h"
#include "quantized.h"
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
  Experts<W> experts;
  Attention<W> attention;

 public:
  Pass(const Step &step, Barrier &barrier, Scratch &shared, int t, int threads)
      : step(step), model(*step.model), barrier(barrier), shared(shared), t(t), threads(threads), rows((int)step.rows),
        normed(step.rows * shared.widest), input(step.rows * shared.widest), experts(step, shared, t, threads, normed, input),
        attention(step, shared) {}

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
  // a unit is `unit` outputs: this thread has the same units of every block. What the experts need of the other threads is asked for before
  // a piece of the linears' own work and used after it, so that hardly anybody waits.
  void linear(int64_t point, const void *weights, const W *bias, int64_t n, int64_t units, int64_t unit, int64_t blocks) {
    const int64_t height = point % 4 == 0 ? units * unit : point % 4 == 2 ? model.intermediate : model.hidden;
    outputs = height * blocks;
    Range mine = share(units, t, threads);
    first = mine.first * unit;
    last = std::min(mine.last * unit, height);
    auto own = [&](int piece, int pieces) {
      Range some = share(mine.last - mine.first, piece, pieces);
      int64_t from = (mine.first + some.first) * unit, to = std::min((mine.first + some.last) * unit, height);
      for (int64_t b = 0; b < blocks && from < to; b++) base(weights, bias, n, b * height + from, b * height + to);
    };
    bool gated = false, constant = false;
    for (int64_t p = 0; p < step.parts; p++) {
      const Part &part = step.part[p];
      if (part.place[point].most == 0) continue;
      (part.top_k == 0 ? constant : gated) = true;
      if (part.top_k != 0) experts.coarse(part, part.place[point], n);
    }
    if (!gated && !constant) {
      own(0, 1);
      return;
    }
    const int pieces = gated ? 3 : 1;
    if (gated) {
      int scored = barrier.arrive(threads);
      own(0, pieces);
      barrier.wait_since(scored);
      experts.select(point, n);
      int selected = barrier.arrive(threads);
      own(1, pieces);
      barrier.wait_since(selected);
    }
    experts.project(point, n);
    for (int64_t b = 0; b < blocks; b++) experts.expect(point, b * height + first, b * height + last);
    int projected = barrier.arrive(threads);
    own(pieces - 1, pieces);
    barrier.wait_since(projected);
    for (int64_t b = 0; b < blocks; b++) experts.add(point, b * height + first, b * height + last, outputs);
  }

  // Outputs [from, to) of the linears themselves.
  void base(const void *weights, const W *bias, int64_t n, int64_t from, int64_t to) {
    multiply_rows<W>(model.linear_bits, weights, outputs, n, from, to - from, input.data(), shared.widest, rows, &shared.y[from], outputs);
    for (int m = 0; bias && m < rows; m++)
      for (int64_t i = from; i < to; i++) shared.y[m * outputs + i] += number(bias[i]);
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
    const int64_t group = model.heads / model.kv_heads, heads = rows * model.heads, groups = rows * model.kv_heads;
    // Heads that read the same keys do so together, unless a thread would have nothing to do meanwhile.
    if (groups % threads == 0 || groups >= 4 * threads) {
      Range mine = share(groups, t, threads);
      for (int64_t i = mine.first; i < mine.last; i++) attention.attend(l, i / model.kv_heads, i % model.kv_heads * group, group, outputs);
    } else {
      Range mine = share(heads, t, threads);
      for (int64_t i = mine.first; i < mine.last; i++) attention.attend(l, i / model.heads, i % model.heads, 1, outputs);
    }
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
        multiply_rows<W>(model.head_bits, model.head, model.vocabulary, model.hidden, from, until - from, input.data(), shared.widest, wanted, logits + from,
                         model.vocabulary);
        finish_logits<W>(model, logits, wanted, from, until);
        return;
      }
  }

  int64_t outputs = 0, first = 0, last = 0;  // of the point at hand: all outputs of a row, and this thread's of each block
};

void pass(const Step &step, Barrier &barrier, Scratch &scratch, int thread, int threads) {
  if (step.model->bfloat16)
    Pass<bfloat16>(step, barrier, scratch, thread, threads).run();
  else
    Pass<float>(step, barrier, scratch, thread, threads).run();
}

}  // namespace QUIVER_ISA
}  // namespace quiver
