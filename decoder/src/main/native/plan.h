// What a step is told: numbers and addresses in int64 arrays that the TorchScript side makes (kernels.torchscript has the other end).
// All matrices are dense and row-major. "W" is the type of the weights: float32 or bfloat16.
#pragma once
#include <cstdint>

namespace quiver {

// A layer of the model: addresses, in this order. Biases and norms are read only if the model has them.
struct Layer {
  const float *attention_norm;  // (hidden); for RMSNorm times sqrt(hidden)
  const void *qkv;              // W ((heads + 2 kvHeads) * headDim, hidden)
  const void *o;                // W (hidden, heads * headDim)
  const float *mlp_norm;        // (hidden), as attention_norm
  const void *gate_up;          // W (2 intermediate, hidden), or (intermediate, hidden) without a gate
  const void *down;             // W (hidden, intermediate)
  const void *qkv_bias, *o_bias, *gate_up_bias, *down_bias;  // W
  const float *attention_norm_bias, *mlp_norm_bias;          // (hidden)
  const float *head_norm;                                    // (heads + kvHeads, headDim), times sqrt(headDim)
  const float *attention_output_norm, *mlp_output_norm;      // (hidden), times sqrt(hidden)
};

struct Scales {
  double epsilon, query, score_cap, logit_cap, embedding;
};

struct Kind {
  int64_t sliding, rope;
};

enum Activations : int64_t { SILU = 0, GELU_TANH = 1, GELU = 2 };

struct Model {
  int64_t bfloat16;     // 1, or 0 for float32
  int64_t linear_bits;  // of a weight of the layers' linears, if not W: 8 or 4 (quantized.h); else 0
  int64_t head_bits;    // the same for the head
  int64_t layers, hidden, heads, kv_heads, head_dim, intermediate, vocabulary;
  int64_t window, rotated, ropes;
  // 1 if the model has it: LayerNorm, a parallel block, norms of outputs, norms of heads, biases; then an activation and whether it is gated.
  int64_t layer_norm, parallel, output_norms, head_norms, bias_in, bias_out, bias_mlp, bias_head, activation, gated;
  const Scales *scales;
  const double *inverse_frequency;   // (ropes, rotated / 2)
  const Kind *kind;                  // (layers)
  const float *norm_floor;           // (1): sqrt(hidden * epsilon)
  const float *head_floor;           // (1): sqrt(headDim * epsilon)
  const void *embedding;             // W (vocabulary, hidden)
  const float *last_norm;            // (hidden)
  const void *head;                  // W (vocabulary, hidden)
  const float *last_norm_bias;       // (hidden)
  const void *head_bias;             // W (vocabulary)
  const Layer *layer;                // (layers), follows here
};

// One library at one point (the linears that read one input), addresses into the pools of experts.
// g linears, n experts, R rank of the pool, c outputs of width W that the linears' outputs are cut into.
struct Place {
  int64_t most;     // experts that can be chosen for some linear, n with constant coefficients; 0: nothing here
  int64_t linears, outputs, width, rank, experts;
  const float *exact;         // (slots, g, in): the pool of prototypes; slot 0 is zero
  const void *coarse;         // W (slots, g, in): the same, rounded to the type of the weights
  const float *coarse_error;  // (slots, g): length of what the rounding took away
  const float *penalty;       // (g, n): 0, or -1e30 where an expert cannot be chosen
  const int64_t *slot;        // (n): 0 where an expert has nothing here
  const int64_t *linear_of;   // (c)
  const void *a;              // W (slots, g, R, in): the pool
  const void *b;              // W (slots, c, R, width): the pool, scaled
  const float *fixed;         // (n): constant coefficients, null with a gate
};

// Neighbouring rows with one library and one way to choose from it.
struct Part {
  int64_t first, rows;
  const Place *place;  // (points)
  int64_t top_k;       // 0: constant coefficients
  int64_t factors;     // 1: (sum w B)(sum w A), 0: sum w B A
  float *chosen;       // (rows, entries) or null: experts chosen at every point, linear and rank
  float *coefficients; // (rows, entries) or null
  int64_t entries;
};

// One token.
struct Row {
  int64_t token, position;
  void *const *cache;  // (2 * layers): keys and values, W (kvHeads, capacity, headDim) each
  int64_t capacity;
  float *logits;  // (vocabulary) or null
};

// Who wants to have what the linears at a point read, as rows of the weights' type.
struct Keep {
  int64_t point, first, rows;  // of the step
  void *to;                    // W (rows, in)
};

struct Step {
  const Model *model;
  int64_t threads, rows, parts, keeps;
  const Row *row;                     // (rows), follows here
  const Part *part;                   // (parts), follows the rows
  const Keep *keep;                   // (keeps), follows the parts; for many rows only
  const double *inverse_temperature;  // (parts), of a tensor of its own
};

// The experts' part at one point for many tokens.
struct Adapted {
  int64_t threads, rows, in, out, bfloat16;
  const Place *place;
  int64_t top_k, factors;
  int64_t decided;  // 1: index and weight say who was chosen, 0: they are to be written (with constant coefficients they are not there)
  float inverse_temperature;
  const void *x;       // W (rows, in)
  const float *exact;  // (rows, in) before it was rounded, or null: it was not
  int64_t *index;      // (rows, linears, chosen)
  float *weight;       // (rows, linears, chosen)
  void *y;             // W (rows, out), added to
};

// A matrix of few bits (quantized.h) that is to be made bfloat16.
struct Quantized {
  int64_t out, in, bits;
  const void *w;
  void *to;  // bfloat16 (out, in)
};

// One matrix of several that are applied to the same vectors.
struct Matrix {
  const void *rows;  // W (rank, in)
  int64_t rank;
};

// Lengths of products, the same numbers in the plan but for x and to, which come as tensors.
struct Lengths {
  int64_t threads, bfloat16, tokens, in, matrices;
  const Matrix *matrix;  // (matrices), follows here
  const void *x;         // W (tokens, in)
  float *to;             // (matrices, tokens)
};

// A piece of one text that attends to what its cache has of it: numbers, then tensors. Bfloat16, the features a multiple of 32.
struct Prompt {
  int64_t threads, tokens, start, heads, kv_heads, head_dim, q_stride, capacity;
  int64_t window;           // keys that a token sees, itself included; 0: all before it
  float scale, cap;         // cap 0: none
  const void *q;            // (tokens, heads, headDim), tokens q_stride apart
  const void *keys, *values;  // (kvHeads, capacity, headDim), the piece's own ones already there
  void *to;                 // (tokens, heads, headDim)
};

}  // namespace quiver
