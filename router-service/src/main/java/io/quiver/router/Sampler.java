package io.quiver.router;

import io.quiver.decoder.DrawByWeight;
import java.util.Arrays;
import java.util.random.RandomGenerator;

/**
 * Draws tokens for one text. The same randomness and the same logits give the same tokens. Order of the filters as in
 * other servers: temperature, min_p, top_k, top_p. One owner, not thread-safe.
 */
public final class Sampler {
    private final SamplingSettings settings;
    private final RandomGenerator random;

    public Sampler(SamplingSettings settings, RandomGenerator random) {
        this.settings = settings;
        this.random = random;
    }

    /**
     * Draws the next token.
     *
     * @param logits unnormalised // (vocabulary)
     * @throws IllegalStateException if no logit is a number: the model is broken
     */
    public int next(float[] logits) {
        int best = argmax(logits);
        if (settings.temperature() == 0) {
            return best;
        }
        double[] weights = new double[logits.length]; // (vocabulary), of the likeliest is 1
        double sum = 0;
        for (int i = 0; i < logits.length; i++) {
            double weight = Math.exp((logits[i] - logits[best]) / settings.temperature());
            // Written so that what is no number is dropped as well.
            weights[i] = weight > 0 && weight >= settings.minP() ? weight : 0;
            sum += weights[i];
        }
        boolean all = settings.topP() >= 1 && (settings.topK() == 0 || settings.topK() >= logits.length);
        return all ? DrawByWeight.draw(weights, sum, random) : drawAmongLikeliest(weights, sum);
    }

    private static int argmax(float[] logits) {
        int best = -1;
        for (int i = 0; i < logits.length; i++) {
            if (!Float.isNaN(logits[i]) && (best < 0 || logits[i] > logits[best])) {
                best = i;
            }
        }
        if (best < 0) {
            throw new IllegalStateException("the model gave no number for any token");
        }
        return best;
    }

    private int drawAmongLikeliest(double[] weights, double sum) {
        int[] order = byWeight(weights);
        int count = settings.topK() == 0 ? order.length : Math.min(settings.topK(), order.length);
        double kept = count == order.length ? sum : 0;
        if (count < order.length) {
            for (int i = 0; i < count; i++) {
                kept += weights[order[i]];
            }
        }
        double reached = 0;
        int nucleus = 0;
        while (nucleus < count && (nucleus == 0 || reached < settings.topP() * kept)) {
            reached += weights[order[nucleus++]];
        }
        double[] chosen = new double[nucleus]; // (candidates), likeliest first
        for (int i = 0; i < nucleus; i++) {
            chosen[i] = weights[order[i]];
        }
        return order[DrawByWeight.draw(chosen, reached, random)];
    }

    /** Ids by falling weight; equal weights by rising id. // (vocabulary) */
    private static int[] byWeight(double[] weights) {
        long[] keys = new long[weights.length];
        for (int i = 0; i < keys.length; i++) {
            // Weights are 0 to 1, so the bits of a float keep their order.
            int bits = Float.floatToIntBits((float) weights[i]);
            keys[i] = (long) ~bits << Integer.SIZE | i;
        }
        Arrays.sort(keys);
        return Arrays.stream(keys).mapToInt(key -> (int) key).toArray();
    }
}
