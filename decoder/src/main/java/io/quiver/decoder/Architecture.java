package io.quiver.decoder;

import java.util.List;

/**
 * What a decoder-only model computes in each layer: all that the families differ in, as data. With x the residual stream and
 * N a norm, one layer is
 *
 * <pre>
 * h = N₁(x);  x += N₃(attention(h));  h = N₂(x), or the same h in a parallel block;  x += N₄(mlp(h))
 * </pre>
 *
 * where N₃ and N₄ are left out unless {@link #outputNorms}; the MLP is down(act(gate(h)) · up(h)), or down(act(up(h))) without a
 * gate. An attention score of query q and key k is cap(s q·k) with s = {@link #queryScale} and cap(z) = c tanh(z / c), the
 * identity if c is 0.
 *
 * @param norm of the residual stream
 * @param parallelBlock whether the MLP reads what attention reads, so that there is no second norm
 * @param outputNorms whether what attention and the MLP give is normed before it is added
 * @param headNorms whether each head of queries and keys is normed (RMS, same ε and offset as {@link #norm}) before it is rotated
 * @param biases which linear layers have one
 * @param activation inside the MLP
 * @param gated whether the MLP has a gate
 * @param queryScale factor of q·k, usually 1/√headDim
 * @param attentionCap soft cap of attention scores, 0 for none
 * @param logitCap soft cap of logits, 0 for none
 * @param embeddingScale factor of the embedding as input, 1 for none; the tied head does not have it
 * @param ropes rotary embeddings that layers choose from, all of the same width
 * @param layers what differs between the layers // (layers)
 */
public record Architecture(
        Norm norm,
        boolean parallelBlock,
        boolean outputNorms,
        boolean headNorms,
        Biases biases,
        Activation activation,
        boolean gated,
        double queryScale,
        double attentionCap,
        double logitCap,
        double embeddingScale,
        List<Rope> ropes,
        List<Layer> layers) {
    public Architecture {
        ropes = List.copyOf(ropes);
        layers = List.copyOf(layers);
        if (ropes.isEmpty() || ropes.stream().mapToInt(Rope::dims).distinct().count() != 1) {
            throw new IllegalArgumentException("rotary embeddings must have one width");
        }
        for (Layer layer : layers) {
            if (layer.rope() < 0 || layer.rope() >= ropes.size()) {
                throw new IllegalArgumentException("there is no rotary embedding " + layer.rope());
            }
        }
        if (layers.stream()
                        .mapToInt(Layer::window)
                        .filter(w -> w > 0)
                        .distinct()
                        .count()
                > 1) {
            throw new IllegalArgumentException("all sliding windows must have one length");
        }
    }

    /** Tokens that a sliding layer sees, 0 if there is no such layer. */
    public int window() {
        return layers.stream().mapToInt(Layer::window).max().orElse(0);
    }

    /**
     * A norm over the last axis: x / √(mean(x²) + ε) · (offset + w), or, as LayerNorm, (x − mean) / √(variance + ε) · w + b.
     *
     * @param centred whether it is LayerNorm, with a bias, and not RMSNorm
     * @param eps ε
     * @param offset added to the stored weight, 0 or 1
     */
    public record Norm(boolean centred, double eps, double offset) {
        public Norm {
            if (!(eps > 0) || (centred && offset != 0)) {
                throw new IllegalArgumentException("no norm has epsilon " + eps + " and offset " + offset);
            }
        }
    }

    /**
     * Which linear layers have a bias.
     *
     * @param input projections to queries, keys and values
     * @param output attention's last projection
     * @param mlp both projections of the MLP, or all three
     * @param head the projection to logits
     */
    public record Biases(boolean input, boolean output, boolean mlp, boolean head) {
        public static final Biases NONE = new Biases(false, false, false, false);
    }

    /** A pointwise function. */
    public enum Activation {
        /** x σ(x). */
        SILU,
        /** x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))): {@code gelu_pytorch_tanh} and {@code gelu_new}. */
        GELU_TANH,
        /** x Φ(x). */
        GELU
    }

    /**
     * Rotary position embedding, rotate-half layout, of the first components of a head.
     *
     * @param inverseFrequencies after any scaling // (dims / 2)
     */
    public record Rope(double[] inverseFrequencies) {
        /** Components of a head that are rotated. */
        public int dims() {
            return 2 * inverseFrequencies.length;
        }
    }

    /**
     * One layer.
     *
     * @param window tokens that attention sees, the present one included; 0 for all
     * @param rope which of the rotary embeddings it has
     */
    public record Layer(int window, int rope) {}
}
