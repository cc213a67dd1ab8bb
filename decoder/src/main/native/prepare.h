// What is done before the threads of a step begin.
#pragma once
#include "step.h"
#include <algorithm>
#include <cmath>
#include <cstring>

namespace quiver {

// What a plan says, the model's numbers with its layers behind them.
inline Step step_of(const int64_t *plan, const double *inverse_temperature, Model &model) {
  Step step;
  memcpy(&step, plan, 5 * sizeof(int64_t));
  step.inverse_temperature = inverse_temperature;
  step.row = (const Row *)(plan + 5);
  step.part = (const Part *)(step.row + step.rows);
  step.keep = (const Keep *)(step.part + step.parts);
  model = *step.model;
  model.layer = (const Layer *)((const int64_t *)step.model + sizeof(Model) / sizeof(int64_t) - 1);
  step.model = &model;
  return step;
}

inline void prepare(Scratch &scratch, const Step &step) {
  const Model &model = *step.model;
  const int64_t rows = step.rows, q = model.heads * model.head_dim, kv = model.kv_heads * model.head_dim;
  scratch.widest = (std::max({model.hidden, q, model.intermediate}) + 31) / 32 * 32;
  scratch.scores_of_row = scratch.choices_of_row = scratch.low_of_row = 0;
  for (int64_t p = 0; p < step.parts; p++)
    for (int64_t point = 0; point < 4 * model.layers; point++) {
      const Place &place = step.part[p].place[point];
      if (place.most == 0) continue;
      int64_t k = step.part[p].top_k == 0 ? place.experts : std::min(step.part[p].top_k, place.most);
      scratch.scores_of_row = std::max(scratch.scores_of_row, place.linears * place.experts);
      scratch.choices_of_row = std::max(scratch.choices_of_row, place.linears * k);
      scratch.low_of_row = std::max(scratch.low_of_row, place.linears * k * place.rank);
    }
  scratch.x.resize(rows * model.hidden);
  scratch.y.resize(rows * std::max({q + 2 * kv, 2 * model.intermediate, model.hidden}));
  scratch.attended.resize(rows * q);
  scratch.inner.resize(rows * model.intermediate);
  scratch.angles.resize(model.ropes * rows * model.rotated);
  scratch.scores.resize(rows * scratch.scores_of_row);
  scratch.choices.resize(rows * scratch.choices_of_row);
  scratch.low.resize(rows * scratch.low_of_row);
  const int64_t half = model.rotated / 2;
  for (int64_t rope = 0; rope < model.ropes; rope++)
    for (int64_t m = 0; m < rows; m++)
      for (int64_t i = 0; i < half; i++) {
        double turn = step.row[m].position * model.inverse_frequency[rope * half + i];
        float *angle = &scratch.angles[(rope * rows + m) * model.rotated];
        angle[i] = (float)std::cos(turn);
        angle[half + i] = (float)std::sin(turn);
      }
}

inline void prepare(Tiles &shared, const Step &step) {
  const Model &model = *step.model;
  const int64_t q = model.heads * model.head_dim, threads = step.threads > 0 ? step.threads : 1;
  // Few tokens are shared among all threads, as far as that leaves whole vectors.
  shared.tile = std::clamp(((step.rows + threads - 1) / threads + 15) / 16 * 16, (int64_t)16, TILE);
  const int64_t tiles = (step.rows + shared.tile - 1) / shared.tile;
  shared.x.resize(tiles * model.hidden * TILE);
  shared.angles.resize(tiles * model.ropes * model.rotated * TILE);
  shared.queries.resize(step.rows * q);
  shared.attended.resize(step.rows * q);
  shared.wanted_row.clear();
  shared.texts.clear();
  shared.text_row.clear();
  for (int64_t i = 0; i < step.rows; i++) {
    const Row &row = step.row[i];
    if (row.logits) shared.wanted_row.push_back(i);
    if (i > 0 && row.cache == step.row[i - 1].cache && row.position == step.row[i - 1].position + 1) {
      shared.texts.back().tokens++;
      continue;
    }
    shared.text_row.push_back(i);
    shared.texts.push_back({step.threads, 1, row.position, model.heads, model.kv_heads, model.head_dim, q, row.capacity, 0, (float)model.scales->query,
                           (float)model.scales->score_cap, &shared.queries[i * q], nullptr, nullptr, &shared.attended[i * q]});
  }
  shared.wanted.resize(shared.wanted_row.size() * model.hidden);
  shared.next.reset(new std::atomic<int64_t>[2 * model.layers + 2]());
}

}  // namespace quiver
