package io.quiver.router;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Adjusts the logits of one text by what it has said so far. One owner, not thread-safe.
 *
 * <pre>
 * z = z + bias(t)
 * z = z > 0 ? z / r : z · r             for tokens of the prompt or the answer, r the repetition penalty
 * z = z - frequency · count(t)          count in the answer
 * z = z - presence                      for tokens of the answer
 * </pre>
 *
 * The order is vLLM's; the repetition penalty is from Keskar et al. 2019 (CTRL), the other two are OpenAI's.
 */
final class AdjustLogits {
    private final LogitSettings settings;
    private final Set<Integer> seen = new HashSet<>();
    private final Map<Integer, Integer> counts = new HashMap<>();

    /** @param prompt token ids // (tokens) */
    AdjustLogits(LogitSettings settings, int[] prompt) {
        this.settings = settings;
        if (settings.repetitionPenalty() != 1) {
            Arrays.stream(prompt).forEach(seen::add);
        }
    }

    /**
     * Adjusts logits.
     *
     * @param logits unnormalised, left as they are // (vocabulary)
     * @param forbidden tokens that must not come
     * @return the same array if there is nothing to do // (vocabulary)
     */
    float[] apply(float[] logits, Set<Integer> forbidden) {
        if (forbidden.isEmpty() && settings.equals(LogitSettings.NONE)) {
            return logits;
        }
        float[] adjusted = logits.clone();
        settings.bias().forEach((token, bias) -> adjusted[token] += bias.floatValue());
        float repetition = (float) settings.repetitionPenalty();
        for (int token : seen) {
            adjusted[token] = adjusted[token] > 0 ? adjusted[token] / repetition : adjusted[token] * repetition;
        }
        counts.forEach((token, count) ->
                adjusted[token] -= (float) (settings.frequencyPenalty() * count + settings.presencePenalty()));
        forbidden.forEach(token -> adjusted[token] = Float.NEGATIVE_INFINITY);
        return adjusted;
    }

    /** Counts a generated token. */
    void count(int token) {
        if (settings.repetitionPenalty() != 1) {
            seen.add(token);
        }
        counts.merge(token, 1, Integer::sum);
    }
}
