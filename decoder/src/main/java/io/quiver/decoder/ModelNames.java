package io.quiver.decoder;

import java.util.List;

/**
 * What a model's tensors and modules are called. Names of a layer follow {@link #layer}; modules have a tensor {@code .weight} and,
 * where the architecture says so, {@code .bias}. What an architecture does not have keeps an empty name.
 *
 * @param embedding module of the input embedding
 * @param lastNorm module of the norm before the head
 * @param head module of the projection to logits
 * @param layers what precedes the number of a layer
 * @param attentionNorm N₁ of {@link Architecture}
 * @param mlpNorm N₂
 * @param attentionOutputNorm N₃
 * @param mlpOutputNorm N₄
 * @param queryNorm of each query head
 * @param keyNorm of each key head
 * @param attentionInput q, k and v, or the one module that is all three
 * @param attentionOutput o
 * @param mlpInput gate and up, or the one module that is both, or up alone
 * @param mlpOutput down
 */
public record ModelNames(
        String embedding,
        String lastNorm,
        String head,
        String layers,
        String attentionNorm,
        String mlpNorm,
        String attentionOutputNorm,
        String mlpOutputNorm,
        String queryNorm,
        String keyNorm,
        List<String> attentionInput,
        String attentionOutput,
        List<String> mlpInput,
        String mlpOutput) {
    public ModelNames {
        attentionInput = List.copyOf(attentionInput);
        mlpInput = List.copyOf(mlpInput);
        if ((attentionInput.size() != 1 && attentionInput.size() != 3) || mlpInput.isEmpty() || mlpInput.size() > 2) {
            throw new IllegalArgumentException("no layer has the projections " + attentionInput + " and " + mlpInput);
        }
    }

    /** What precedes the names of a layer's modules. */
    public String layer(int number) {
        return layers + "." + number + ".";
    }
}
