package io.quiver.decoder;

import java.util.List;

/**
 * The numbers of a decoder-only model, as its config.json gives them.
 *
 * @param family {@code model_type}, such as {@code llama}
 * @param hidden width of the residual stream
 * @param intermediate width inside the MLP
 * @param layers decoder layers
 * @param heads query heads
 * @param kvHeads key and value heads; divides heads
 * @param headDim width of one head
 * @param vocabulary entries of the embedding
 * @param contextTokensMax {@code max_position_embeddings}
 * @param architecture what is computed with these sizes
 * @param names of its tensors and modules
 * @param tiedEmbeddings whether the head is the embedding's transpose
 * @param eosTokens tokens that end a text, from generation_config.json or config.json
 */
public record ModelConfig(
        String family,
        int hidden,
        int intermediate,
        int layers,
        int heads,
        int kvHeads,
        int headDim,
        int vocabulary,
        int contextTokensMax,
        Architecture architecture,
        ModelNames names,
        boolean tiedEmbeddings,
        List<Integer> eosTokens) {
    public ModelConfig {
        eosTokens = List.copyOf(eosTokens);
        if (kvHeads < 1 || heads % kvHeads != 0) {
            throw new IllegalArgumentException(heads + " query heads cannot share " + kvHeads + " key heads");
        }
        if (architecture.layers().size() != layers) {
            throw new IllegalArgumentException(
                    layers + " layers, but " + architecture.layers().size() + " are described");
        }
        for (Architecture.Rope rope : architecture.ropes()) {
            if (rope.dims() > headDim) {
                throw new IllegalArgumentException("a head of " + headDim + " cannot turn " + rope.dims());
            }
        }
    }
}
