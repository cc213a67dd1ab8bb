// Logits of the rows that want them, after a pass of many tokens.
#pragma once
#include "logits.h"
#include "tiles.h"
#include <vector>

namespace quiver {
namespace QUIVER_ISA {

#ifdef __AVX512BF16__

class TileLogits {
  static constexpr int64_t WORDS = 192;  // at once

  const Step &step;
  const Model &model;
  const Tiles &shared;
  std::vector<uint32_t> &panel;   // (hidden / 2, TILE): room
  std::vector<float> &y;          // (WORDS, TILE): room
  std::vector<bfloat16> &small;

 public:
  TileLogits(const Step &step, const Tiles &shared, std::vector<uint32_t> &panel, std::vector<float> &y, std::vector<bfloat16> &small)
      : step(step), model(*step.model), shared(shared), panel(panel), y(y), small(small) {}

  // Thread t's words. The rows that want logits have them one after the other.
  void write(int t, int threads) {
    const Range mine = share((model.vocabulary + 15) / 16, t, threads);
    const int64_t from = mine.first * 16, until = std::min(mine.last * 16, model.vocabulary), wanted = (int64_t)shared.wanted_row.size(), n = model.hidden;
    if (wanted == 0) return;
    float *logits = step.row[shared.wanted_row[0]].logits;
    const bfloat16 *input = (const bfloat16 *)shared.wanted.data();
    if (wanted < LANES) {
      multiply_rows<bfloat16>(model.head_bits, model.head, model.vocabulary, n, from, until - from, input, n, (int)wanted, logits + from, model.vocabulary);
    } else {
      const Linear all_of_it = {model.head_bits, model.head, model.vocabulary, n};
      for (int64_t some = 0; some < wanted; some += TILE) {
        const int64_t tokens = std::min(TILE, wanted - some);
        to_panel(input + some * n, n, n, tokens, panel.data());
        for (int64_t word = from; word < until; word += WORDS) {
          const int64_t words = std::min(WORDS, until - word);
          multiply_tile(all_of_it, word, words, nullptr, false, panel.data(), (tokens + LANES - 1) / LANES, y.data(), small);
          write_logits(words, tokens, logits + some * model.vocabulary + word);
        }
      }
    }
    finish_logits<bfloat16>(model, logits, wanted, from, until);
  }

 private:
  // y (words, TILE) as rows of logits.
  void write_logits(int64_t words, int64_t tokens, float *to) {
    float block[16 * 16];
    for (int64_t w = 0; w < words; w += 16)
      for (int64_t v = 0; v < tokens; v += 16) {
        transpose((const uint32_t *)&y[w * TILE + v], TILE, (uint32_t *)block, 16);
        for (int64_t m = 0; m < std::min((int64_t)16, tokens - v); m++)
          memcpy(to + (v + m) * model.vocabulary + w, block + 16 * m, std::min((int64_t)16, words - w) * sizeof(float));
      }
  }
};

#endif

}  // namespace QUIVER_ISA
}  // namespace quiver
