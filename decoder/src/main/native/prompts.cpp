// The attention of many tokens of one text, where the linears are libtorch's. Compiled once for each instruction set, and there only for the one
// that multiplies pairs of bfloat16.
#include "prompt_attention.h"
#include <atomic>

namespace quiver {
namespace QUIVER_ISA {

#ifdef __AVX512BF16__

bool attends() { return true; }

// Whoever is free takes the next unit, the longest first.
void attend(const Prompt &given, std::atomic<int64_t> &next) {
  const int64_t tokens = unit_tokens(given);
  const int64_t pieces = (given.tokens + tokens - 1) / tokens, units = pieces * given.kv_heads;
  for (int64_t i = next++; i < units; i = next++) {
    int64_t piece = pieces - 1 - i / given.kv_heads;
    PromptUnit(given, i % given.kv_heads, piece * tokens, std::min((piece + 1) * tokens, given.tokens)).run();
  }
}

#else

bool attends() { return false; }
void attend(const Prompt &, std::atomic<int64_t> &) {}

#endif

}  // namespace QUIVER_ISA
}  // namespace quiver
