package io.quiver.lora.evidence;

import java.util.Arrays;
import java.util.Collection;

/**
 * How far the best expert of a library must stand out before it answers: the 95 % quantile, over the generic requests of the set
 * threshold, of the largest stand-out among the library's experts. Exact for every library.
 */
public final class LibraryThreshold {
    private static final double QUANTILE = 0.95;

    private LibraryThreshold() {}

    /**
     * The threshold of a library.
     *
     * @param experts at least one
     * @throws IllegalArgumentException if they were measured against different calibrations
     */
    public static double of(Collection<EvidenceConstants> experts) {
        EvidenceConstants first = experts.iterator().next();
        double[] largest = first.outside().clone();
        for (EvidenceConstants expert : experts) {
            if (!expert.calibrationDigest().equals(first.calibrationDigest())
                    || expert.outside().length != largest.length) {
                throw new IllegalArgumentException("the experts were measured against different calibrations: "
                        + first.calibrationDigest() + " and " + expert.calibrationDigest());
            }
            for (int i = 0; i < largest.length; i++) {
                largest[i] = Math.max(largest[i], expert.outside()[i]);
            }
        }
        return quantile(largest, QUANTILE);
    }

    /** With linear interpolation between the two nearest. */
    static double quantile(double[] values, double quantile) { // (n)
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        double position = quantile * (sorted.length - 1);
        int below = (int) position;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
    }
}
