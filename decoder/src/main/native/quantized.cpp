// Weights of few bits made bfloat16, for products of many rows, which libtorch does. Compiled once for each instruction set.
#include "choose.h"
#include "quantized.h"
#include <algorithm>

namespace quiver {
namespace QUIVER_ISA {

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
