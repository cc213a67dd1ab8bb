package io.quiver.lora.evidence;

import java.util.Arrays;
import java.util.Collection;

/**
 * How far the best expert of a library must stand out before it answers, from the largest stand-out among the library's experts on each
 * generic request of the set threshold. Exact for every library.
 */
public final class LibraryThreshold {
    private static final double QUANTILE = 0.95;

    /**
     * How many deviations above what is usual something is no longer of its kind: the cut of Iglewicz and Hoaglin, "How to Detect and
     * Handle Outliers" (1993), for scores around a median.
     */
    private static final double OUTLIER = 3.5;

    private LibraryThreshold() {}

    /**
     * The 95 % quantile of the largest stand-outs: one generic request in twenty would pass.
     *
     * @param experts at least one
     * @throws IllegalArgumentException if they were measured against different calibrations
     */
    public static double of(Collection<EvidenceConstants> experts) {
        return quantile(largest(experts), QUANTILE);
    }

    /**
     * The median of the largest stand-outs and 3.5 more. A stand-out has deviation 1 on generic requests, so that nothing but the place
     * has to be estimated, and of all places the median moves least with the requests that happened to be sampled: neither with how many
     * rare ones are among them, nor with one that does belong to an expert.
     *
     * @param experts at least one
     * @throws IllegalArgumentException if they were measured against different calibrations
     */
    public static double beyondGeneric(Collection<EvidenceConstants> experts) {
        return quantile(largest(experts), 0.5) + OUTLIER;
    }

    private static double[] largest(Collection<EvidenceConstants> experts) { // -> (requests)
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
        return largest;
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
