package io.quiver.lora.evidence;

/** What the last token of a text remembers of all tokens: R^γ = Σ γ^(n−t) q(t) / Σ γ^(n−t), with 0⁰ = 1. */
final class Memory {
    private Memory() {}

    /**
     * @param gamma 0 is the last token alone, 1 the plain mean
     * @param values q, at least one // (tokens)
     */
    static double of(double gamma, double[] values) {
        return of(gamma, values, 0, values.length);
    }

    /** Of the values of one text among others. */
    static double of(double gamma, double[] values, int from, int to) { // (all tokens)
        double sum = 0;
        double weight = 0;
        for (int t = from; t < to; t++) {
            sum = gamma * sum + values[t];
            weight = gamma * weight + 1;
        }
        return sum / weight;
    }

    /**
     * Of every text among consecutive ones.
     *
     * @param values // (all tokens)
     * @param tokens of each text // (texts)
     * @return // (texts)
     */
    static double[] ofEach(double gamma, double[] values, int[] tokens) {
        double[] memories = new double[tokens.length];
        int from = 0;
        for (int i = 0; i < tokens.length; i++) {
            memories[i] = of(gamma, values, from, from + tokens[i]);
            from += tokens[i];
        }
        return memories;
    }
}
