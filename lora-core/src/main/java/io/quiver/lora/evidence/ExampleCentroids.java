package io.quiver.lora.evidence;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Where the example prompts of one adapter lie: per point the mean of the unit vectors of W(x − x̄) of their last tokens, of
 * unit length again.
 *
 * @param calibrationDigest {@code sha256:…} of the base calibration that W and x̄ are from
 * @param examples how many prompts; {@link #EXAMPLES_MIN} at least
 * @param centroids by point, at least one // (points) of (in)
 */
public record ExampleCentroids(String calibrationDigest, int examples, SortedMap<ProbePoint, double[]> centroids) {
    /** One or two examples do harm: measured, with sixteen adapters. */
    public static final int EXAMPLES_MIN = 4;

    private static final double LENGTH_TOLERANCE = 1e-5;

    public ExampleCentroids {
        centroids = Collections.unmodifiableSortedMap(new TreeMap<>(centroids));
        if (examples < EXAMPLES_MIN) {
            throw new IllegalArgumentException(examples + " examples are too few, " + EXAMPLES_MIN + " are needed");
        }
        if (centroids.isEmpty()) {
            throw new IllegalArgumentException("examples have a centroid at one point at least");
        }
        centroids.forEach((point, centroid) -> {
            double square = 0;
            for (double component : centroid) {
                square += component * component;
            }
            if (!(Math.abs(Math.sqrt(square) - 1) <= LENGTH_TOLERANCE)) {
                throw new IllegalArgumentException("the centroid at " + point + " is not of unit length");
            }
        });
    }
}
