package io.quiver.router;

import java.util.Map;

/**
 * What is done to a text's logits before a token is drawn; {@link AdjustLogits} has the formulas.
 *
 * @param presencePenalty taken from every token that was generated already
 * @param frequencyPenalty taken once for every time that the token was generated
 * @param repetitionPenalty above 0; above 1 makes tokens of the prompt and of the answer less likely, 1 does nothing
 * @param bias added, by token
 */
public record LogitSettings(
        double presencePenalty, double frequencyPenalty, double repetitionPenalty, Map<Integer, Double> bias) {
    /** Leaves logits as they are. */
    public static final LogitSettings NONE = new LogitSettings(0, 0, 1, Map.of());

    public LogitSettings {
        bias = Map.copyOf(bias);
        if (!Double.isFinite(presencePenalty) || !Double.isFinite(frequencyPenalty)) {
            throw new IllegalArgumentException(
                    "penalties must be finite, but are " + presencePenalty + " and " + frequencyPenalty);
        }
        if (!(repetitionPenalty > 0) || Double.isInfinite(repetitionPenalty)) {
            throw new IllegalArgumentException(
                    "repetition_penalty must be above 0 and finite, but is " + repetitionPenalty);
        }
    }
}
