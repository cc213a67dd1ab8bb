package io.quiver.lora.gate;

/**
 * From scores to coefficients: the softmax over the topK largest of score / temperature, among the scores that reach a minimum.
 * Where none does, all coefficients are 0 and the base layer answers alone.
 *
 * @param topK at least 1
 * @param temperature above 0 and finite
 * @param minScore negative infinity for none
 */
public record ChooseExperts(int topK, double temperature, double minScore) {
    public ChooseExperts {
        if (topK < 1 || !(temperature > 0) || Double.isInfinite(temperature) || Double.isNaN(minScore)) {
            throw new IllegalArgumentException("topK " + topK + " must be at least 1, temperature " + temperature
                    + " above 0 and finite, minScore " + minScore + " a number");
        }
    }

    /**
     * The coefficients: they add up to 1 or are all 0. Of equal scores the expert that comes first is chosen.
     *
     * @param scores NaN for an expert that cannot be chosen // (experts)
     * @return // (experts)
     */
    public double[] coefficients(double[] scores) {
        double[] coefficients = new double[scores.length];
        double largest = Double.NaN;
        double sum = 0;
        for (int k = 0; k < Math.min(topK, scores.length); k++) {
            int best = -1;
            for (int e = 0; e < scores.length; e++) {
                // NaN fails the first comparison.
                if (scores[e] >= minScore && coefficients[e] == 0 && (best < 0 || scores[e] > scores[best])) {
                    best = e;
                }
            }
            if (best < 0) {
                break;
            }
            largest = Double.isNaN(largest) ? scores[best] : largest;
            // Never exactly 0, which would let it be chosen again.
            coefficients[best] = Math.max(Math.exp((scores[best] - largest) / temperature), Double.MIN_NORMAL);
            sum += coefficients[best];
        }
        for (int e = 0; e < scores.length && sum > 0; e++) {
            coefficients[e] /= sum;
        }
        return coefficients;
    }
}
