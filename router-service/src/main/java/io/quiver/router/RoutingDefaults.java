package io.quiver.router;

/**
 * What holds for routing when a request does not say.
 *
 * @param topK 3 in PEFT
 * @param temperature 1.0 in PEFT
 * @param expertsMax experts of one library at most
 */
public record RoutingDefaults(int topK, double temperature, int expertsMax) {
    public RoutingDefaults {
        if (topK < 1 || !(temperature > 0) || Double.isInfinite(temperature) || expertsMax < 1) {
            throw new IllegalArgumentException("routing defaults must be positive, but are top_k " + topK
                    + ", temperature " + temperature + ", at most " + expertsMax + " experts");
        }
    }
}
