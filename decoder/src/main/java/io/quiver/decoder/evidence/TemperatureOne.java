package io.quiver.decoder.evidence;

import io.quiver.decoder.DrawByWeight;
import java.util.random.RandomGenerator;

/** Draws a token with the probabilities that a model gives. */
final class TemperatureOne {
    private static final double LOG2_E = 1.4426950408889634;
    private static final double LN_2 = 0.6931471805599453;

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
        if (!Float.isFinite(largest)) {
            throw new IllegalStateException("the model gave no number for any token");
        }
        double[] weights = new double[logits.length]; // (vocabulary)
        double sum = 0;
        for (int i = 0; i < logits.length; i++) {
            double weight = exp((double) logits[i] - largest);
            // Written so that what is no number is dropped as well.
            weights[i] = weight > 0 ? weight : 0;
            sum += weights[i];
        }
        return DrawByWeight.draw(weights, sum, random);
    }

    /**
     * e^x for x up to 0, to 1e-10 of itself; 0 below -700. Of additions and multiplications only, so that it has the same bits on
     * every machine, in a fraction of the time of {@link Math#exp}: a calibration takes half a billion of them.
     */
    static double exp(double x) {
        if (x < -700) {
            return 0;
        }
        double power = Math.rint(x * LOG2_E); // of two
        double r = x - power * LN_2; // at most ln 2 / 2, so that nine terms are enough
        double low = 1 + r * (1 + r * (1 / 2.0 + r * (1 / 6.0 + r * (1 / 24.0))));
        double high = 1 / 120.0 + r * (1 / 720.0 + r * (1 / 5040.0 + r * (1 / 40320.0 + r * (1 / 362880.0))));
        return (low + r * r * r * r * r * high) * Double.longBitsToDouble(((long) power + Double.MAX_EXPONENT) << 52);
    }
}
