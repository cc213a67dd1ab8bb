package io.quiver.objectstore.minio;

import io.quiver.objectstore.ObjectStoreException;
import java.time.Duration;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Bounded repetition of a request that may safely be sent twice.
 *
 * @param attempts how often to try in all, at least 1
 * @param firstPause before the second attempt; each further pause is twice as long, up to {@code longestPause}
 */
record Retries(int attempts, Duration firstPause, Duration longestPause) {
    private static final Logger LOG = LoggerFactory.getLogger(Retries.class);

    /** Every request: four attempts within about a second, for a connection that was cut or a store that is busy. */
    static final Retries OF_REQUESTS = new Retries(4, Duration.ofMillis(100), Duration.ofSeconds(1));

    /** At the start: about a minute, for a store that starts at the same time. */
    static final Retries OF_START = new Retries(64, Duration.ofMillis(250), Duration.ofSeconds(1));

    Retries {
        if (attempts < 1 || firstPause.isNegative() || longestPause.compareTo(firstPause) < 0) {
            throw new IllegalArgumentException("there is at least one attempt, and pauses do not shrink");
        }
    }

    /**
     * Returns what the request returns.
     *
     * @param request throws {@link RequestFailed} when it fails
     * @throws ObjectStoreException when it failed for good, or as often as it may
     */
    <T> T call(Supplier<T> request) {
        Duration pause = firstPause;
        for (int attempt = 1; ; attempt++) {
            try {
                return request.get();
            } catch (RequestFailed failed) {
                if (!failed.worthAnotherAttempt() || attempt == attempts) {
                    throw failed.toObjectStoreException();
                }
                LOG.debug("attempt {} of {}: {}", attempt, attempts, failed.getMessage());
                sleep(pause, failed);
                pause = pause.multipliedBy(2).compareTo(longestPause) > 0 ? longestPause : pause.multipliedBy(2);
            }
        }
    }

    private static void sleep(Duration pause, RequestFailed failed) {
        try {
            Thread.sleep(pause.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw failed.toObjectStoreException();
        }
    }
}
