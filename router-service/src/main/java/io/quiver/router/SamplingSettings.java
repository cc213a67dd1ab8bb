package io.quiver.router;

/**
 * How the next token is drawn.
 *
 * @param temperature 0 takes the likeliest; else logits are divided by it
 * @param topP the smallest set of likeliest tokens whose probabilities reach it; 1 means all
 * @param topK that many likeliest tokens; 0 means all
 * @param minP only tokens at least that part as likely as the likeliest one; 0 means all
 */
public record SamplingSettings(double temperature, double topP, int topK, double minP) {
    /** OpenAI's defaults. */
    public static final SamplingSettings DEFAULT = new SamplingSettings(1.0, 1.0, 0);

    public SamplingSettings {
        if (!(temperature >= 0) || Double.isInfinite(temperature)) {
            throw new IllegalArgumentException("temperature must be 0 or above, but is " + temperature);
        }
        if (!(topP > 0 && topP <= 1)) {
            throw new IllegalArgumentException("top_p must be above 0 and at most 1, but is " + topP);
        }
        if (topK < 0) {
            throw new IllegalArgumentException("top_k must be 0 or above, but is " + topK);
        }
        if (!(minP >= 0 && minP <= 1)) {
            throw new IllegalArgumentException("min_p must lie between 0 and 1, but is " + minP);
        }
    }

    /** Settings without {@code minP}. */
    public SamplingSettings(double temperature, double topP, int topK) {
        this(temperature, topP, topK, 0);
    }
}
