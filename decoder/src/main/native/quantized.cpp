// Weights of few bits made bfloat16, for products of many rows, which libtorch does. Compiled once for each instruction set.
#include "choose.h"
#include "quantized.h"
#include <algorithm>

namespace quiver {
namespace QUIVER_ISA {

template <class C>
static void dequantize(const Coded<C> &w, int64_t rows, bfloat16 *to) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t b = 0; b < w.blocks; b++) {
      const uint8_t *block = w.codes + (r * w.blocks + b) * C::BLOCK_BYTES;
      const bfloat16 *scales = w.scales + (r * w.blocks + b) * 2;
      bfloat16 made[BLOCK];
      for (int64_t i = 0; i < BLOCK; i += LANES) put(made + i, C::load(block, i) * number(scales[i / GROUP]));
      memcpy(to + r * w.n + b * BLOCK, made, std::min(BLOCK, w.n - b * BLOCK) * sizeof(bfloat16));
    }
}

void dequantize(const Quantized &given, int thread, int threads) {
  Range mine = share(given.out, thread, threads);
  bfloat16 *to = (bfloat16 *)given.to + mine.first * given.in;
  if (given.bits == 8)
    dequantize(Coded<Int8>(given.w, given.out, given.in, mine.first), mine.last - mine.first, to);
  else
    dequantize(Coded<Int4>(given.w, given.out, given.in, mine.first), mine.last - mine.first, to);
}

}  // namespace QUIVER_ISA
}  // namespace quiver
