package io.quiver.lora.arrow;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The Arrow gate for one token at one module, written plainly in double precision: the reference for faster code.
 * w = softmax over the topK largest of |x·pₑ| / temperature. x is not normalised, so louder tokens are routed more sharply.
 *
 * @param topK how many experts are chosen, at least 1; clamped to the number of eligible ones
 * @param temperature above 0 and finite
 */
public record ArrowGate(int topK, double temperature) {
    /** The score of an expert that lacks the module; no eligible expert has a negative score. */
    public static final double NOT_ELIGIBLE = -1;

    public ArrowGate {
        if (topK < 1) {
            throw new IllegalArgumentException("topK must be at least 1, but is " + topK);
        }
        if (!(temperature > 0) || Double.isInfinite(temperature)) {
            throw new IllegalArgumentException("temperature must be above 0 and finite, but is " + temperature);
        }
    }

    /**
     * |x·pₑ| of every expert; {@link #NOT_ELIGIBLE} where it has no prototype.
     *
     * @param x input of the module // (in)
     * @param prototypes in the library's order, null for an expert that lacks the module // (experts) of (in)
     * @return // (experts)
     */
    public static double[] scores(double[] x, List<double @Nullable []> prototypes) {
        double[] scores = new double[prototypes.size()];
        for (int e = 0; e < scores.length; e++) {
            double[] prototype = prototypes.get(e);
            if (prototype == null) {
                scores[e] = NOT_ELIGIBLE;
                continue;
            }
            if (prototype.length != x.length) {
                throw new IllegalArgumentException(
                        "prototype " + e + " has " + prototype.length + " components, the input " + x.length);
            }
            double sum = 0;
            for (int i = 0; i < x.length; i++) {
                sum += x[i] * prototype[i];
            }
            scores[e] = Math.abs(sum);
        }
        return scores;
    }

    /**
     * The coefficients of the experts: they add up to 1, or are all 0 if none is eligible. Of equal scores the expert that
     * comes first is chosen.
     *
     * @param scores as {@link #scores} gives them // (experts)
     * @return // (experts)
     */
    public double[] coefficients(double[] scores) {
        double[] coefficients = new double[scores.length];
        boolean[] chosen = new boolean[scores.length];
        double largest = NOT_ELIGIBLE;
        for (int k = 0; k < Math.min(topK, scores.length); k++) {
            int best = -1;
            for (int e = 0; e < scores.length; e++) {
                if (!chosen[e] && scores[e] >= 0 && (best < 0 || scores[e] > scores[best])) {
                    best = e;
                }
            }
            if (best < 0) {
                break;
            }
            chosen[best] = true;
            largest = Math.max(largest, scores[best]);
        }
        for (int e = 0; e < scores.length; e++) {
            if (chosen[e]) {
                coefficients[e] = Math.exp((scores[e] - largest) / temperature);
            }
        }
        double sum = Arrays.stream(coefficients).sum();
        for (int e = 0; e < scores.length && sum > 0; e++) {
            coefficients[e] /= sum;
        }
        return coefficients;
    }
}
