// One pass of many tokens through the model with their experts, in tiles of tokens. Compiled once for each instruction set, and there only for
// the one that multiplies pairs of bfloat16.
//
// Between two attentions a tile goes from linear to linear without waiting for others: whoever is free takes the next tile, and all its
// numbers stay in that processor's cache. Barriers stand only before and after the attention. A token's result depends neither on its tile, nor
// on the threads, nor on the other tokens of the step, except for those that it attends to.
#include "activation.h"
#include "prompt_attention.h"
#include "tile_experts.h"
#include "tile_logits.h"
#include "tile_norms.h"
#include <algorithm>
#include <vector>

namespace quiver {
namespace QUIVER_ISA {

#ifdef __AVX512BF16__

class Reading {
  static constexpr int64_t BLOCK = 192;  // outputs that are finished at once: rows of a product and columns of B both divide it

  const Step &step;
  const Model &model;
  Barrier &barrier;
  Tiles &shared;
  const int t, threads;
  // The tile at hand.
  int64_t tile = 0, first = 0, count = 0, vectors = 0;  // first row of the step, rows, vectors of them
  float *x = nullptr;                                   // (hidden, TILE)
  // This thread's own.
  std::vector<uint32_t> panel;   // (widest / 2, TILE): what the linears read
  std::vector<uint32_t> inner;   // (intermediate / 2, TILE)
  std::vector<float> exact;      // (hidden, TILE): the norm before it was rounded
  std::vector<float> y;          // (outputs of a block or hidden, TILE)
  std::vector<bfloat16> small;
  std::vector<TileExperts> experts;     // (parts)
  std::vector<TileExperts *> adapting;  // those that have something to add at the point at hand

 public:
  Reading(const Step &step, Barrier &barrier, Tiles &shared, int t, int threads)
      : step(step), model(*step.model), barrier(barrier), shared(shared), t(t), threads(threads) {
    const int64_t q = model.heads * model.head_dim;
    panel.resize(std::max(model.hidden, q) / 2 * TILE);
    inner.resize(model.intermediate / 2 * TILE);
    exact.resize(model.hidden * TILE);
    y.resize(std::max({2 * BLOCK, heads_at_once() * model.head_dim, model.hidden}) * TILE);
    experts.resize(step.parts);
  }

  void run() {
    each_tile(0, [&] {
      embed();
      begin(0);
    });
    for (int64_t l = 0; l < model.layers; l++) {
      attend(l);
      barrier.wait(threads);
      each_tile(2 * l + 2, [&] {
        finish(l);
        if (l + 1 < model.layers)
          begin(l + 1);
        else
          last_norm();
      });
    }
    TileLogits(step, shared, panel, y, small).write(t, threads);
  }

 private:
  template <class Work>
  void each_tile(int64_t phase, Work work) {
    const int64_t tiles = (step.rows + shared.tile - 1) / shared.tile;
    for (tile = shared.next[phase]++; tile < tiles; tile = shared.next[phase]++) {
      first = tile * shared.tile;
      count = std::min(shared.tile, step.rows - first);
      vectors = (count + LANES - 1) / LANES;
      x = &shared.x[tile * model.hidden * TILE];
      work();
    }
    barrier.wait(threads);
  }

  const Row &row(int64_t i) const { return step.row[first + std::min(i, count - 1)]; }
  static const bfloat16 *bias(int64_t present, const void *bias) { return present ? (const bfloat16 *)bias : nullptr; }

  void embed() {
    const bfloat16 *table = (const bfloat16 *)model.embedding;
    float block[16 * 16];
    for (int64_t v = 0; v < vectors; v++)
      for (int64_t i = 0; i < model.hidden; i += 16) {
        for (int64_t m = 0; m < 16; m++) store(block + 16 * m, load(table + row(v * 16 + m).token * model.hidden + i) * (float)model.scales->embedding);
        transpose((const uint32_t *)block, 16, (uint32_t *)x + i * TILE + v * 16, TILE);
      }
    const int64_t half = model.rotated / 2;
    float *angle = &shared.angles[tile * model.ropes * model.rotated * TILE];
    for (int64_t rope = 0; rope < model.ropes; rope++, angle += model.rotated * TILE)
      for (int64_t i = 0; i < half; i++)
        for (int64_t m = 0; m < vectors * LANES; m++) {
          double turn = row(m).position * model.inverse_frequency[rope * half + i];
          angle[i * TILE + m] = (float)std::cos(turn);
          angle[(half + i) * TILE + m] = (float)std::sin(turn);
        }
  }

  // The norm of x into the panel, and as it is where an expert is chosen by it.
  void norm_of_x(const float *weight, const float *bias, bool keep_exact) {
    TileNorm(model, weight, bias).write(x, vectors, panel.data(), keep_exact ? exact.data() : nullptr);
  }

  // Whether some part of this tile chooses experts at a point.
  bool chooses(int64_t point) const {
    for (int64_t p = 0; p < step.parts; p++)
      if (step.part[p].top_k > 0 && step.part[p].place[point].most > 0 && in_tile(step.part[p]).last > 0) return true;
    return false;
  }

  // Tokens of the tile that belong to a part; {0, 0} if none does.
  Range in_tile(const Part &part) const {
    int64_t from = std::max(part.first - first, (int64_t)0), until = std::min(part.first + part.rows - first, count);
    return from < until ? Range{from, until} : Range{0, 0};
  }

  // Everything at a point that goes before its outputs: who wants its input gets it, and the experts are chosen.
  void arrive(int64_t point, int64_t n, const uint32_t *input, const float *before_rounding) {
    for (int64_t i = 0; i < step.keeps; i++) {
      const Keep &keep = step.keep[i];
      int64_t from = std::max(keep.first - first, (int64_t)0), until = std::min(keep.first + keep.rows - first, count);
      if (keep.point == point && from < until) from_panel(input, n, from, until, (bfloat16 *)keep.to + (first + from - keep.first) * n, n);
    }
    adapting.clear();
    for (int64_t p = 0; p < step.parts; p++) {
      const Part &part = step.part[p];
      const Range mine = in_tile(part);
      if (part.place[point].most == 0 || mine.last == 0) continue;
      int64_t entry = 0;
      for (int64_t q = 0; q < point && part.chosen; q++) entry += part.place[q].linears * std::min(part.top_k, part.place[q].most);
      experts[p].begin(part, point, {n, vectors, input, before_rounding}, (float)step.inverse_temperature[p], entry, first, mine.first, mine.last);
      adapting.push_back(&experts[p]);
    }
  }

  void adapt(int64_t from, int64_t until, float *to) {
    for (TileExperts *some : adapting) some->add(from, until, to);
  }

  int64_t heads_at_once() const {
    const int64_t unit = model.head_dim % 64 == 0 ? 1 : 2;
    return (BLOCK + unit * model.head_dim - 1) / (unit * model.head_dim) * unit;
  }

  // A layer up to its attention.
  void begin(int64_t l) {
    const Layer &layer = model.layer[l];
    const bool choosing = chooses(4 * l);
    norm_of_x(layer.attention_norm, layer.attention_norm_bias, choosing);
    arrive(4 * l, model.hidden, panel.data(), choosing ? exact.data() : nullptr);
    const int64_t heads = model.heads + 2 * model.kv_heads, dim = model.head_dim, some = heads_at_once();
    const Linear qkv = {model.linear_bits, layer.qkv, heads * dim, model.hidden};
    for (int64_t head = 0; head < heads; head += some) {
      const int64_t from = head * dim, until = std::min(head + some, heads) * dim;
      multiply_tile(qkv, from, until - from, bias(model.bias_in, layer.qkv_bias), false, panel.data(), vectors, y.data(), small);
      adapt(from, until, y.data());
      for (int64_t h = head; h * dim < until; h++) turn(l, h, &y[(h - head) * dim * TILE]);
    }
  }

  // Norm and rotary embedding of one head, z (headDim, TILE); its keys and values go into the cache.
  void turn(int64_t l, int64_t head, float *z) {
    const int64_t dim = model.head_dim, half = model.rotated / 2;
    if (head < model.heads + model.kv_heads) {
      const float *angle = &shared.angles[(tile * model.ropes + model.kind[l].rope) * model.rotated * TILE];
      for (int64_t v = 0; model.head_norms && v < vectors * LANES; v += LANES) {
        Lanes scale[1];
        TileNorm::inverse_length<1>(z + v, dim, *model.head_floor, scale);
        for (int64_t i = 0; i < dim; i++) store(z + i * TILE + v, load(z + i * TILE + v) * scale[0] * model.layer[l].head_norm[head * dim + i]);
      }
      for (int64_t i = 0; i < half; i++)
        for (int64_t v = 0; v < vectors * LANES; v += LANES) {
          float *one = z + i * TILE + v, *two = z + (i + half) * TILE + v;
          Lanes a = load(one), b = load(two), c = load(angle + i * TILE + v), s = load(angle + (half + i) * TILE + v);
          store(one, a * c - b * s);
          store(two, b * c + a * s);
        }
    }
    const bool query = head < model.heads, key = head < model.heads + model.kv_heads;
    const int64_t which = head - model.heads - (key ? 0 : model.kv_heads);
    float block[16 * 16];
    for (int64_t v = 0; v < count; v += LANES)
      for (int64_t i = 0; i < dim; i += 16) {
        transpose((const uint32_t *)z + i * TILE + v, TILE, (uint32_t *)block, 16);
        for (int64_t m = 0; m < std::min(LANES, count - v); m++) {
          const Row &mine = row(v + m);
          bfloat16 *to = query ? (bfloat16 *)shared.queries.data() + ((first + v + m) * model.heads + head) * dim
                               : (bfloat16 *)mine.cache[2 * l + (key ? 0 : 1)] + (which * mine.capacity + mine.position) * dim;
          put(to + i, load(block + 16 * m));
        }
      }
  }

  // Whoever is free takes the next unit, the last ones of a text first, which have the most to attend to.
  void attend(int64_t l) {
    int64_t all_of_them = 0;
    for (const Prompt &text : shared.texts) all_of_them += units(text);
    for (int64_t i = shared.next[2 * l + 1]++; i < all_of_them; i = shared.next[2 * l + 1]++) {
      int64_t unit = i;
      size_t which = 0;
      while (unit >= units(shared.texts[which])) unit -= units(shared.texts[which++]);
      Prompt text = shared.texts[which];
      const int64_t tokens = unit_tokens(text), piece = units(text) / text.kv_heads - 1 - unit / text.kv_heads;
      void *const *cache = step.row[shared.text_row[which]].cache;
      text.keys = cache[2 * l];
      text.values = cache[2 * l + 1];
      text.window = model.kind[l].sliding ? model.window : 0;
      PromptUnit(text, unit % text.kv_heads, piece * tokens, std::min((piece + 1) * tokens, text.tokens)).run();
    }
  }

  static int64_t units(const Prompt &text) { return (text.tokens + unit_tokens(text) - 1) / unit_tokens(text) * text.kv_heads; }

  // A layer after its attention.
  void finish(int64_t l) {
    const Layer &layer = model.layer[l];
    const int64_t q = model.heads * model.head_dim;
    const bool choosing = chooses(4 * l + 2);
    // A parallel block's MLP reads what its attention has read.
    if (model.parallel) {
      norm_of_x(layer.attention_norm, layer.attention_norm_bias, choosing);
      mlp(l, choosing);
    }
    to_panel((const bfloat16 *)shared.attended.data() + first * q, q, q, count, panel.data());
    arrive(4 * l + 1, q, panel.data(), nullptr);
    output({model.linear_bits, layer.o, model.hidden, q}, bias(model.bias_out, layer.o_bias), panel.data(), layer.attention_output_norm);
    if (!model.parallel) {
      norm_of_x(layer.mlp_norm, layer.mlp_norm_bias, choosing);
      mlp(l, choosing);
    }
  }

  // What follows the norm of x in the panel.
  void mlp(int64_t l, bool choosing) {
    const Layer &layer = model.layer[l];
    const int64_t wide = model.intermediate;
    arrive(4 * l + 2, model.hidden, panel.data(), choosing ? exact.data() : nullptr);
    const Linear gate_up = {model.linear_bits, layer.gate_up, model.gated ? 2 * wide : wide, model.hidden};
    const bfloat16 *before = bias(model.bias_mlp, layer.gate_up_bias);
    for (int64_t from = 0; from < wide; from += BLOCK) {
      const int64_t until = std::min(from + BLOCK, wide);
      float *gate = y.data(), *up = gate + BLOCK * TILE;
      multiply_tile(gate_up, from, until - from, before, false, panel.data(), vectors, gate, small);
      adapt(from, until, gate);
      if (model.gated) {
        multiply_tile(gate_up, wide + from, until - from, before, false, panel.data(), vectors, up, small);
        adapt(wide + from, wide + until, up);
      }
      for (int64_t i = 0; i < until - from; i += 2)
        for (int64_t v = 0; v < vectors * LANES; v += LANES) {
          Lanes even = activated(load(gate + i * TILE + v), model.activation), odd = activated(load(gate + (i + 1) * TILE + v), model.activation);
          if (model.gated) {
            even *= load(up + i * TILE + v);
            odd *= load(up + (i + 1) * TILE + v);
          }
          put_pairs(&inner[(from + i) / 2 * TILE + v], even, odd);
        }
    }
    arrive(4 * l + 3, wide, inner.data(), nullptr);
    output({model.linear_bits, layer.down, model.hidden, wide}, bias(model.bias_mlp, layer.down_bias), inner.data(), layer.mlp_output_norm);
  }

  // A linear whose outputs are added to x, with a norm between where the model has one.
  void output(const Linear &linear, const bfloat16 *bias, const uint32_t *input, const float *norm) {
    float *to = model.output_norms ? y.data() : x;
    multiply_tile(linear, 0, model.hidden, bias, !model.output_norms, input, vectors, to, small);
    adapt(0, model.hidden, to);
    if (!model.output_norms) return;
    for (int64_t v = 0; v < vectors * LANES; v += LANES) {
      Lanes scale[1];
      TileNorm::inverse_length<1>(to + v, model.hidden, *model.norm_floor, scale);
      for (int64_t i = 0; i < model.hidden; i++) store(x + i * TILE + v, load(x + i * TILE + v) + load(to + i * TILE + v) * scale[0] * norm[i]);
    }
  }

  // The last norm of the rows that want logits.
  void last_norm() {
    bool some = false;
    for (int64_t i = 0; i < count; i++) some |= row(i).logits != nullptr;
    if (!some) return;
    norm_of_x(model.last_norm, model.last_norm_bias, false);
    for (size_t i = 0; i < shared.wanted_row.size(); i++) {
      int64_t mine = shared.wanted_row[i] - first;
      if (mine >= 0 && mine < count) from_panel(panel.data(), model.hidden, mine, mine + 1, (bfloat16 *)shared.wanted.data() + i * model.hidden, model.hidden);
    }
  }
};

void read(const Step &step, Barrier &barrier, Tiles &shared, int thread, int threads) { Reading(step, barrier, shared, thread, threads).run(); }

#else

void read(const Step &, Barrier &, Tiles &, int, int) {}

#endif

}  // namespace QUIVER_ISA
}  // namespace quiver
