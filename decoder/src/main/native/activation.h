// The functions between the two linears of an MLP.
#pragma once
#include "plan.h"
#include "vector.h"

namespace quiver {
namespace QUIVER_ISA {

// x / (1 + exp(y))
inline Lanes part_of(Lanes x, Lanes y) {
#ifdef __AVX512F__
  // A guess of fourteen bits and a step of Newton's, which is less than a division. Past 2^126 the quotient is nothing.
  const Lanes below = 1.f + power_of_two((Lanes)_mm512_min_ps((__m512)(y * 1.44269504f), _mm512_set1_ps(126.f)));
  const Lanes guess = (Lanes)_mm512_rcp14_ps((__m512)below);
  return x * (guess * (2.f - below * guess));
#else
  return x / (1.f + exponential(y));
#endif
}

inline Lanes activated(Lanes x, int64_t activation) {
  if (activation == SILU) return part_of(x, -x);
  // x/2 (1 + tanh(u)) = x / (1 + exp(-2u))
  if (activation == GELU_TANH) return part_of(x, -1.5957691216f * (x + 0.044715f * x * x * x));
  float each[LANES];
  store(each, x);
  for (float &y : each) y = .5f * y * (1 + std::erf(y * .70710678f));
  return load(each);
}

}  // namespace QUIVER_ISA
}  // namespace quiver
