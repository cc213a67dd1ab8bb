package io.quiver.lora.evidence;

/**
 * What an adapter's evidence at the end of a request, remembered by one γ, is on generic requests.
 *
 * @param gamma γ: 0 is the last token alone, 1 the plain mean
 * @param centre c, mean of R over the requests of {@code statistics}
 * @param spread d, its deviation (n − 1), above 0
 * @param slope of the line that predicts R from N, the memory of how unusual the request is
 * @param intercept of that line
 * @param residual deviation of R from the line, above 0
 */
public record MemoryConstants(
        double gamma, double centre, double spread, double slope, double intercept, double residual) {
    public MemoryConstants {
        if (!(gamma >= 0) || !(gamma <= 1)) {
            throw new IllegalArgumentException("γ is 0 to 1, not " + gamma);
        }
        if (!(spread > 0) || !(residual > 0) || !Double.isFinite(centre + spread + slope + intercept + residual)) {
            throw new IllegalArgumentException("for γ " + gamma + " the spread is " + spread + ", the residual "
                    + residual + ", the centre " + centre + ", the slope " + slope + ", the intercept " + intercept);
        }
    }

    /** (R − c)/d. */
    double score(double memory) {
        return (memory - centre) / spread;
    }

    /** What of R the unusualness of the request does not explain, in deviations. */
    double standOut(double memory, double normMemory) {
        return (memory - slope * normMemory - intercept) / residual;
    }
}
