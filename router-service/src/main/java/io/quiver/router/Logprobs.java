package io.quiver.router;

import java.util.ArrayList;
import java.util.List;

/**
 * Log-probabilities of one step: {@code logprob(t) = z(t) - max - ln Σ exp(z - max)}, in double precision.
 *
 * @param logits unnormalised; what is no number counts as impossible // (vocabulary)
 * @param logNormalizer max + ln Σ exp(z - max)
 */
record Logprobs(float[] logits, double logNormalizer) {
    /** Stands for what is impossible, since JSON has no infinity; other servers write the same. */
    private static final double IMPOSSIBLE = -9999;

    /** @throws IllegalStateException if no logit is a finite number: the model is broken */
    static Logprobs of(float[] logits) {
        double max = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            max = logit > max ? logit : max;
        }
        if (Double.isInfinite(max)) {
            throw new IllegalStateException("the model gave no finite number for any token");
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Float.isNaN(logit) ? 0 : Math.exp(logit - max);
        }
        return new Logprobs(logits, max + Math.log(sum));
    }

    double of(int token) {
        double logprob = logits[token] - logNormalizer;
        return logprob > IMPOSSIBLE ? logprob : IMPOSSIBLE;
    }

    /** The likeliest tokens, likeliest first; of equally likely ones the smaller id first. */
    List<Integer> top(int count) {
        List<Integer> top = new ArrayList<>();
        for (int token = 0; token < logits.length; token++) {
            int at = top.size();
            while (at > 0 && logits[token] > logits[top.get(at - 1)]) {
                at--;
            }
            if (at < count && !Float.isNaN(logits[token])) {
                top.add(at, token);
                if (top.size() > count) {
                    top.remove(count);
                }
            }
        }
        return top;
    }
}
