// Norms of a tile's tokens: sixteen of them are the lanes of a vector, so that no sum goes across lanes.
#pragma once
#include "tiles.h"

namespace quiver {
namespace QUIVER_ISA {

#ifdef __AVX512BF16__

class TileNorm {
  const Model &model;
  const float *weight, *bias;  // (hidden); the bias is there for LayerNorm

 public:
  TileNorm(const Model &model, const float *weight, const float *bias) : model(model), weight(weight), bias(bias) {}

  static constexpr int64_t AT_ONCE = 4;  // vectors, side by side in memory

  // 1 / length of what RMSNorm divides by, of V vectors, where the weights have the root of the width in them.
  template <int V>
  static void inverse_length(const float *from, int64_t n, float floor, Lanes (&scale)[V]) {
    Lanes squares[V] = {}, others[V] = {};
    int64_t i = 0;
    for (; i + 2 <= n; i += 2)
      for (int v = 0; v < V; v++) {
        Lanes one = load(from + i * TILE + v * LANES), two = load(from + (i + 1) * TILE + v * LANES);
        squares[v] += one * one;
        others[v] += two * two;
      }
    for (int v = 0; i < n && v < V; v++) squares[v] += load(from + i * TILE + v * LANES) * load(from + i * TILE + v * LANES);
    for (int v = 0; v < V; v++) scale[v] = 1.f / (Lanes)_mm512_sqrt_ps((__m512)(squares[v] + others[v] + floor * floor));
  }

  // Mean and 1 / deviation.
  template <int V>
  void moments(const float *from, int64_t n, Lanes (&mean)[V], Lanes (&scale)[V]) const {
    Lanes square[V] = {};
    for (Lanes &some : mean) some = Lanes{};
    for (int64_t i = 0; i < n; i++)
      for (int v = 0; v < V; v++) mean[v] += load(from + i * TILE + v * LANES);
    for (int v = 0; v < V; v++) mean[v] /= (float)n;
    for (int64_t i = 0; i < n; i++)
      for (int v = 0; v < V; v++) {
        Lanes off = load(from + i * TILE + v * LANES) - mean[v];
        square[v] += off * off;
      }
    for (int v = 0; v < V; v++) scale[v] = 1.f / (Lanes)_mm512_sqrt_ps((__m512)(square[v] / (float)n + (float)model.scales->epsilon));
  }

  // The norm of x (hidden, TILE) into a panel, and before it is rounded to exact (hidden, TILE), if that is not null.
  void write(const float *x, int64_t vectors, uint32_t *panel, float *exact) const {
    int64_t v = 0;
    for (; v + AT_ONCE <= vectors; v += AT_ONCE) write<AT_ONCE>(x + v * LANES, panel + v * LANES, exact ? exact + v * LANES : nullptr);
    for (; v < vectors; v++) write<1>(x + v * LANES, panel + v * LANES, exact ? exact + v * LANES : nullptr);
  }

  template <int V>
  void write(const float *from, uint32_t *panel, float *exact) const {
    const int64_t n = model.hidden;
    Lanes mean[V] = {}, scale[V];
    if (model.layer_norm)
      moments<V>(from, n, mean, scale);
    else
      inverse_length<V>(from, n, *model.norm_floor, scale);
    for (int64_t i = 0; i < n; i += 2)
      for (int v = 0; v < V; v++) {
        const int64_t at = i * TILE + v * LANES;
        Lanes even = (load(from + at) - mean[v]) * scale[v] * weight[i], odd = (load(from + at + TILE) - mean[v]) * scale[v] * weight[i + 1];
        if (model.layer_norm) {
          even += bias[i];
          odd += bias[i + 1];
        }
        put_pairs(panel + i / 2 * TILE + v * LANES, even, odd);
        if (!exact) continue;
        store(exact + at, even);
        store(exact + at + TILE, odd);
      }
  }
};

#endif

}  // namespace QUIVER_ISA
}  // namespace quiver
