package io.quiver.client.hub;

import io.quiver.client.Pause;
import java.time.Duration;

/**
 * How often one thing may still be tried: a few times in a row, with pauses that double, unless the hub says how long. Real
 * progress gives all of them back. Used by one thread.
 */
final class Attempts {
    static final int MAX = 6;
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
    private static final String GIVEN_UP =
            ". What has come is kept: run the same command again, and it goes on from there";

    private final Pause pause;
    private final Duration retryAfterMax;
    private int failed;

    Attempts(Pause pause, Duration retryAfterMax) {
        this.pause = pause;
        this.retryAfterMax = retryAfterMax;
    }

    /**
     * Waits until the next attempt.
     *
     * @throws HubUnreachableException if it was the last one, or the hub asks for more patience than there is
     */
    void failed(TransientFailureException failure) {
        failed++;
        if (failed >= MAX) {
            throw new HubUnreachableException(failure.getMessage() + " (" + failed + " attempts)" + GIVEN_UP, failure);
        }
        Duration wait = failure.retryAfter().orElse(FIRST_PAUSE.multipliedBy(1L << (failed - 1)));
        if (wait.compareTo(retryAfterMax) > 0) {
            throw new HubUnreachableException(
                    failure.getMessage() + ", and wants to be left alone for " + wait.toSeconds() + " s" + GIVEN_UP,
                    failure);
        }
        try {
            pause.of(wait);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new HubUnreachableException("the pull was interrupted" + GIVEN_UP, e);
        }
    }

    void progressed() {
        failed = 0;
    }
}
