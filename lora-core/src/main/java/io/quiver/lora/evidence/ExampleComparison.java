package io.quiver.lora.evidence;

/**
 * What a request has of the examples of every expert of a library.
 *
 * @param similarities mean cosines with the examples' centroids, -1 to 1 // (experts)
 * @param coefficients how much of the request each centroid makes up beside all others, by ridge regression // (experts)
 */
public record ExampleComparison(double[] similarities, double[] coefficients) {
    /** Of experts that have no examples, or not all of them. */
    public static final ExampleComparison NONE = new ExampleComparison(new double[0], new double[0]);

    public ExampleComparison {
        if (similarities.length != coefficients.length) {
            throw new IllegalArgumentException(
                    similarities.length + " similarities and " + coefficients.length + " coefficients");
        }
    }

    /** How many experts were compared; 0 if none were. */
    public int experts() {
        return similarities.length;
    }
}
