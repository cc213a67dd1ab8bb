// Sixteen float32 lanes on whatever the instruction set has, and the weights' two types.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#ifdef __AVX512BF16__
#include <immintrin.h>
#endif

namespace quiver {
namespace QUIVER_ISA {

typedef float Lanes __attribute__((vector_size(64)));
typedef uint32_t Bits __attribute__((vector_size(64)));
typedef uint16_t Halves __attribute__((vector_size(32)));
constexpr int64_t LANES = 16;

struct bfloat16 {
  uint16_t bits;
};

inline float number(float x) { return x; }
inline float number(bfloat16 x) {
  uint32_t bits = (uint32_t)x.bits << 16;
  float y;
  memcpy(&y, &bits, 4);
  return y;
}

inline Lanes load(const float *p) {
  Lanes v;
  memcpy(&v, p, 64);
  return v;
}
inline Lanes load(const bfloat16 *p) {
  Halves h;
  memcpy(&h, p, 32);
  Bits wide = __builtin_convertvector(h, Bits) << 16;
  return (Lanes)wide;
}
inline void store(float *p, Lanes v) { memcpy(p, &v, 64); }

inline Lanes all(float x) { return x - Lanes{}; }

inline float sum(Lanes v) {
#ifdef __AVX512F__
  return _mm512_reduce_add_ps((__m512)v);
#else
  float s[16];
  memcpy(s, &v, 64);
  for (int width = 8; width > 0; width /= 2)
    for (int i = 0; i < width; i++) s[i] += s[i + width];
  return s[0];
#endif
}

// To the nearest, ties to even.
inline bfloat16 rounded(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  if ((bits & 0x7fffffff) > 0x7f800000) return {(uint16_t)(bits >> 16 | 0x40)};
  return {(uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}
inline void put(float *to, float x) { *to = x; }
inline void put(bfloat16 *to, float x) { *to = rounded(x); }

// Sixteen at once; what is not a number stays none.
inline void put(float *to, Lanes x) { store(to, x); }
inline void put(bfloat16 *to, Lanes x) {
#ifdef __AVX512BF16__
  __m256bh v = _mm512_cvtneps_pbh((__m512)x);
  memcpy(to, &v, 32);
#else
  Bits bits = (Bits)x;
  Bits rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  bits = (bits & 0x7fffffff) > 0x7f800000 ? bits >> 16 | 0x40 : rounded;
  Halves halves = __builtin_convertvector(bits, Halves);
  memcpy(to, &halves, 32);
#endif
}

// exp to about 2e-7: 2^n times a polynomial in what is left, |rest| <= ln(2)/2.
inline Lanes exponential(Lanes x) {
  x = x < -87.f ? all(-87.f) : x;
  x = x > 88.f ? all(88.f) : x;
  typedef int32_t Whole __attribute__((vector_size(64)));
  Lanes shifted = x * 1.44269504f;
  Lanes half = shifted < 0.f ? all(-.5f) : all(.5f);
  Whole n = __builtin_convertvector(shifted + half, Whole);
  Lanes whole = __builtin_convertvector(n, Lanes);
  Lanes rest = x - whole * 0.693359375f;
  rest = rest + whole * 2.12194440e-4f;
  Lanes y = all(1.9875691500e-4f);
  y = y * rest + 1.3981999507e-3f;
  y = y * rest + 8.3334519073e-3f;
  y = y * rest + 4.1665795894e-2f;
  y = y * rest + 1.6666665459e-1f;
  y = y * rest + 5.0000001201e-1f;
  y = y * rest * rest + rest + 1.f;
  Bits scale = (Bits)(n + 127) << 23;
  return y * (Lanes)scale;
}

#ifdef __AVX512F__
// 2^x: a Taylor series in what is left of the nearest whole number, to about 3e-7, or ROUGH to 5e-5. What is far below counts as nothing.
template <bool ROUGH = false>
inline Lanes power_of_two(Lanes x) {
  __m512 at = _mm512_max_ps((__m512)x, _mm512_set1_ps(-150.f)), whole = _mm512_roundscale_ps(at, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  Lanes rest = (Lanes)at - (Lanes)whole, y = all(9.6181291e-3f);
  if (!ROUGH) y = (rest * 1.5403530e-4f + 1.3333558e-3f) * rest + y;
  y = y * rest + 5.5504109e-2f;
  y = y * rest + 2.4022651e-1f;
  y = y * rest + 6.9314718e-1f;
  y = y * rest + 1.f;
  return (Lanes)_mm512_scalef_ps((__m512)y, whole);
}
#endif

// out[m][r] = sum(x[r][m]), each with the same additions in the same order as alone.
template <int R, int M>
inline void sum_each(const Lanes (&x)[R][M], float *const (&out)[M]) {
#ifdef __AVX512F__
  if constexpr (R == 4 && M == 4) {
    // All sixteen at once: halves, quarters, pairs and neighbours are added, and what belongs to one m ends up side by side.
    __m512 a[8], b[4], c[2];
    auto at = [&](int i) { return (__m512)x[i / 4][i % 4]; };
    for (int i = 0; i < 8; i++) a[i] = _mm512_shuffle_f32x4(at(2 * i), at(2 * i + 1), 0x44) + _mm512_shuffle_f32x4(at(2 * i), at(2 * i + 1), 0xEE);
    for (int i = 0; i < 4; i++) b[i] = _mm512_shuffle_f32x4(a[2 * i], a[2 * i + 1], 0x88) + _mm512_shuffle_f32x4(a[2 * i], a[2 * i + 1], 0xDD);
    for (int i = 0; i < 2; i++) c[i] = _mm512_shuffle_ps(b[2 * i], b[2 * i + 1], 0x44) + _mm512_shuffle_ps(b[2 * i], b[2 * i + 1], 0xEE);
    __m512 d = _mm512_shuffle_ps(c[0], c[1], 0x88) + _mm512_shuffle_ps(c[0], c[1], 0xDD);
    _mm_storeu_ps(out[0], _mm512_castps512_ps128(d));
    _mm_storeu_ps(out[1], _mm512_extractf32x4_ps(d, 1));
    _mm_storeu_ps(out[2], _mm512_extractf32x4_ps(d, 2));
    _mm_storeu_ps(out[3], _mm512_extractf32x4_ps(d, 3));
    return;
  }
#endif
  for (int r = 0; r < R; r++)
    for (int m = 0; m < M; m++) out[m][r] = sum(x[r][m]);
}

}  // namespace QUIVER_ISA
}  // namespace quiver
