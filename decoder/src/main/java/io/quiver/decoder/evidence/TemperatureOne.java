package io.quiver.decoder.evidence;

import java.util.random.RandomGenerator;

/** Draws a token with the probabilities that a model gives. */
final class TemperatureOne {
    private TemperatureOne() {}

    /**
     * Draws with probability softmax(logits).
     *
     * @param logits what is no number is never drawn // (vocabulary)
     * @throws IllegalStateException if none is a number: the model is broken
     */
    static int draw(float[] logits, RandomGenerator random) {
        float largest = Float.NEGATIVE_INFINITY;
        for (float logit : logits) {
            largest = logit > largest ? logit : largest;
        }
        if (largest == Float.NEGATIVE_INFINITY) {
            throw new IllegalStateException("the model gave no number for any token");
        }
        double[] weights = new double[logits.length]; // (vocabulary)
        double sum = 0;
        for (int i = 0; i < logits.length; i++) {
            double weight = Math.exp((double) logits[i] - largest);
            weights[i] = weight > 0 ? weight : 0;
            sum += weights[i];
        }
        double target = random.nextDouble() * sum;
        int last = 0;
        for (int i = 0; i < weights.length; i++) {
            if (weights[i] > 0) {
                last = i;
                target -= weights[i];
                if (target < 0) {
                    return i;
                }
            }
        }
        // Rounding can leave a rest: it belongs to the last token that can be drawn.
        return last;
    }
}
