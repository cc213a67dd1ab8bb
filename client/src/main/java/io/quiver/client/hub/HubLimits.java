package io.quiver.client.hub;

import java.time.Duration;

/**
 * How much is taken from a hub.
 *
 * @param listingBytesMax bytes of a repository's description
 * @param filesMax files of a repository
 * @param silenceMax how long a connection may bring nothing
 * @param retryAfterMax how long a hub may ask to wait; if longer, the pull ends
 */
public record HubLimits(int listingBytesMax, int filesMax, Duration silenceMax, Duration retryAfterMax) {
    public static final HubLimits DEFAULTS =
            new HubLimits(32 << 20, 100_000, Duration.ofSeconds(60), Duration.ofMinutes(5));

    public HubLimits {
        if (listingBytesMax < 1 || filesMax < 1 || !isPositive(silenceMax) || !isPositive(retryAfterMax)) {
            throw new IllegalArgumentException("limits are above 0");
        }
    }

    private static boolean isPositive(Duration duration) {
        return !duration.isNegative() && !duration.isZero();
    }
}
