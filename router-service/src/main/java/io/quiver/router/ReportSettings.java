package io.quiver.router;

import org.jspecify.annotations.Nullable;

/**
 * What an answer says beside the text itself.
 *
 * @param echo whether the prompt goes before the text
 * @param topLogprobs for each token its log-probability and those of that many likeliest tokens; null for none
 */
public record ReportSettings(boolean echo, @Nullable Integer topLogprobs) {
    /** The text alone. */
    public static final ReportSettings NONE = new ReportSettings(false, null);

    public ReportSettings {
        if (topLogprobs != null && topLogprobs < 0) {
            throw new IllegalArgumentException("the number of likeliest tokens must be 0 or above, not " + topLogprobs);
        }
    }

    /** Whether the log-probabilities of the prompt's tokens are wanted. */
    boolean promptLogprobs() {
        return echo && topLogprobs != null;
    }
}
