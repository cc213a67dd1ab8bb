package io.quiver.lora.merge;

import java.util.List;
import java.util.Locale;

/**
 * How adapters are merged.
 *
 * @param weights one per adapter, finite, of any sign // (adapters)
 * @param density part of the entries that is kept, above 0 and at most 1; 1 where the method drops none
 * @param election how signs are elected, where the method does
 * @param seed of what is dropped, where that is drawn
 */
public record Merge(MergeMethod method, List<Double> weights, double density, Election election, long seed) {
    /** How the sign of an entry is elected. */
    public enum Election {
        /** The sign of the sum. */
        TOTAL,
        /** The sign that most entries have. */
        FREQUENCY;

        /** The name that requests use; PEFT's {@code majority_sign_method}. */
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public Merge {
        weights = List.copyOf(weights);
        if (weights.isEmpty() || weights.stream().anyMatch(weight -> !Double.isFinite(weight))) {
            throw new IllegalArgumentException("a merge needs finite weights, but has " + weights);
        }
        if (!(density > 0 && density <= 1)) {
            throw new IllegalArgumentException("the density must be above 0 and at most 1, but is " + density);
        }
    }

    /** A line that is equal for equal merges only: part of the digest of what comes out. */
    public String canonical() {
        StringBuilder line = new StringBuilder(method.word());
        weights.forEach(weight -> line.append(' ').append(Double.toHexString(weight)));
        if (method.prunes()) {
            line.append(" density ").append(Double.toHexString(density));
        }
        if (method.elects()) {
            line.append(" election ").append(election.name().toLowerCase(Locale.ROOT));
        }
        if (method.draws()) {
            line.append(" seed ").append(seed);
        }
        return line.toString();
    }
}
