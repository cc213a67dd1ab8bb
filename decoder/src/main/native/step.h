// What the threads of one step share.
#pragma once
#include "plan.h"
#include <atomic>
#include <memory>
#include <vector>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <sched.h>

namespace quiver {

// Where all threads wait for each other. They spin, since the next one comes within microseconds, but let others run when it does not.
// A thread that has other work for the meantime says that it has arrived, does that work, and waits then.
class Barrier {
  static constexpr int SPINS = 20000;
  alignas(64) std::atomic<int> arrived{0};
  alignas(64) std::atomic<int> round{0};

 public:
  void wait(int threads) { wait_since(arrive(threads)); }

  // Which round it was: what the thread waits with. A thread arrives only after it has waited for the round before.
  int arrive(int threads) {
    int mine = round.load(std::memory_order_relaxed);
    if (arrived.fetch_add(1, std::memory_order_acq_rel) == threads - 1) {
      arrived.store(0, std::memory_order_relaxed);
      round.store(mine + 1, std::memory_order_release);
    }
    return mine;
  }

  void wait_since(int arrival) {
    for (int spins = 0; round.load(std::memory_order_acquire) == arrival; spins++) {
#if defined(__x86_64__)
      _mm_pause();
#endif
      if (spins > SPINS) sched_yield();
    }
  }
};

// An expert that was chosen, and its coefficient (while choosing: its score).
struct Choice {
  int64_t expert;
  float weight;
};

struct Scratch {
  int64_t widest = 0;           // longest input of a linear layer, in full lines
  int64_t scores_of_row = 0;    // most linears * experts of a point
  int64_t choices_of_row = 0;   // most linears * chosen
  int64_t low_of_row = 0;       // most linears * chosen * rank
  std::vector<float> x;         // (rows, hidden)
  std::vector<float> y;         // (rows, outputs of the point)
  std::vector<float> attended;  // (rows, heads * headDim)
  std::vector<float> inner;     // (rows, intermediate)
  std::vector<float> angles;    // (ropes, rows, rotated): cosines, then sines
  std::vector<float> scores;    // (rows, scores_of_row)
  std::vector<Choice> choices;  // (rows, choices_of_row)
  std::vector<float> low;       // (rows, low_of_row)
};

constexpr int64_t TILE = 128;  // tokens of the largest tile

// What the threads share that read many tokens.
struct Tiles {
  int64_t tile = 0;                    // tokens of a tile
  std::vector<float> x;                // (tiles, hidden, lanes of a tile)
  std::vector<float> angles;           // (tiles, ropes, rotated, lanes of a tile): cosines, then sines
  std::vector<uint16_t> queries;       // bfloat16 (rows, heads * headDim)
  std::vector<uint16_t> attended;      // bfloat16 (rows, heads * headDim)
  std::vector<uint16_t> wanted;        // bfloat16 (rows that want logits, hidden)
  std::vector<int64_t> wanted_row;     // (rows that want logits)
  std::vector<Prompt> texts;           // rows of one text side by side, as their attention is told of them
  std::vector<int64_t> text_row;       // (texts): first row of each
  std::unique_ptr<std::atomic<int64_t>[]> next;  // (2 * layers + 2): which tile or unit of attention nobody has taken yet
};

// What is compiled for each instruction set.
#define QUIVER_FUNCTIONS(set)                                                                             \
  namespace set {                                                                                         \
  void pass(const Step &step, Barrier &barrier, Scratch &scratch, int thread, int threads);               \
  void read(const Step &step, Barrier &barrier, Tiles &shared, int thread, int threads);                   \
  void adapt(const Adapted &given, int thread, int threads);                                              \
  void dequantize(const Quantized &given, int thread, int threads);                                       \
  void lengths(const Lengths &given, int thread, int threads);                                            \
  bool attends();                                                                                         \
  void attend(const Prompt &given, std::atomic<int64_t> &next);                                           \
  }
QUIVER_FUNCTIONS(avx512bf16)
QUIVER_FUNCTIONS(avx2)
QUIVER_FUNCTIONS(generic)

}  // namespace quiver
