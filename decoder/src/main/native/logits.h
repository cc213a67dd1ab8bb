// What is done to logits after their product.
#pragma once
#include "plan.h"
#include "vector.h"
#include <cmath>

namespace quiver {
namespace QUIVER_ISA {

// Bias and soft cap of the words [from, until) of some rows of logits (rows, vocabulary).
template <class W>
inline void finish_logits(const Model &model, float *logits, int64_t rows, int64_t from, int64_t until) {
  const W *bias = model.bias_head ? (const W *)model.head_bias : nullptr;
  const float cap = (float)model.scales->logit_cap;
  for (int64_t m = 0; m < rows && (bias || cap > 0); m++)
    for (int64_t i = from; i < until; i++) {
      float &logit = logits[m * model.vocabulary + i];
      if (bias) logit += number(bias[i]);
      if (cap > 0) logit = std::tanh(logit / cap) * cap;
    }
}

}  // namespace QUIVER_ISA
}  // namespace quiver
