// How Arrow chooses among the experts of a library for one token and one linear layer.
#pragma once
#include "step.h"
#include "dots.h"
#include <algorithm>

namespace quiver {
namespace QUIVER_ISA {

struct Range {
  int64_t first, last;
};
inline Range share(int64_t units, int t, int threads) { return {units * t / threads, units * (t + 1) / threads}; }

inline void fetch(const void *from, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch((const char *)from + i);
}

// Puts a score into a list of the k best that has `held` of them; returns how many it has then. The first of two equal scores wins.
inline int64_t insert(Choice *best, int64_t held, int64_t k, int64_t expert, float score) {
  if (held == k && !(score > best[k - 1].weight)) return held;
  int64_t i = held < k ? held++ : k - 1;
  for (; i > 0 && best[i - 1].weight < score; i--) best[i] = best[i - 1];
  best[i] = {expert, score};
  return held;
}

// How long x is, and how far |x'.p'| can be from |x.p| because x was rounded and sums are not exact: |x - x'| |p'|, |p'| about 1.
template <class X>
void lengths(const float *x, const X *rounded, int64_t n, float &length, float &slack) {
  Lanes squares = {}, losses = {};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    Lanes exact = load(x + i), d = exact - load(rounded + i);
    squares += exact * exact;
    losses += d * d;
  }
  float all_of_it = sum(squares), lost = sum(losses);
  for (; i < n; i++) {
    float d = x[i] - number(rounded[i]);
    all_of_it += x[i] * x[i];
    lost += d * d;
  }
  length = std::sqrt(all_of_it) * 1.0001f;
  slack = std::sqrt(lost) * 1.01f + length * 2e-6f;
}

// The k largest |x.p| of linear j and their softmax. rough[e * linears] are x'.p' of rounded values; those that can be among the k best
// in spite of the rounding (length and slack are those of x) are computed anew in float32, so that the choice is that of exact scores.
template <class W>
void choose(const Place &place, int64_t j, int64_t n, int64_t k, const float *x, float length, float slack, const float *rough, float inverse_temperature,
            Choice *best, std::vector<float> &small) {
  const int64_t experts = place.experts;
  const float *penalty = place.penalty + j * experts;
  small.resize(experts);
  float *high = small.data();
  // The k-th largest of the lower bounds: whoever cannot reach it is out.
  int64_t held = 0;
  for (int64_t e = 0; e < experts; e++) {
    float s = std::fabs(rough[e * place.linears]), off = length * place.coarse_error[place.slot[e] * place.linears + j] + slack;
    high[e] = s + off + penalty[e];
    held = insert(best, held, k, e, s - off + penalty[e]);
  }
  const float bar = best[k - 1].weight;
  held = 0;
  auto exact = [&](int64_t e) { return place.exact + (place.slot[e] * place.linears + j) * n; };
  for (int64_t e = 0; e < experts; e++)
    if (high[e] >= bar) fetch(exact(e), n * (int64_t)sizeof(float));
  for (int64_t e = 0; e < experts; e++)
    if (high[e] >= bar) held = insert(best, held, k, e, std::fabs(dot(x, exact(e), n)) + penalty[e]);
  const float top = best[0].weight;
  float total = 0;
  for (int64_t i = 0; i < k; i++) {
    best[i].weight = std::exp((best[i].weight - top) * inverse_temperature);
    total += best[i].weight;
  }
  for (int64_t i = 0; i < k; i++) best[i].weight /= total;
}

// Takes away what only fills up: experts that have nothing at this point or cannot be chosen for this linear.
inline void leave_out(const Place &place, Choice *best, int64_t k, int64_t j) {
  for (int64_t i = 0; i < k; i++)
    if (place.slot[best[i].expert] == 0 || place.penalty[j * place.experts + best[i].expert] != 0) best[i].weight = 0;
}

}  // namespace QUIVER_ISA
}  // namespace quiver
