package io.quiver.client.hub;

import java.time.Duration;
import java.util.Optional;

/** Something went wrong that may go well the next time. */
final class TransientFailureException extends Exception {
    private final transient Optional<Duration> retryAfter;

    /** @param retryAfter how long the hub asks to wait */
    TransientFailureException(String message, Optional<Duration> retryAfter) {
        super(message);
        this.retryAfter = retryAfter;
    }

    TransientFailureException(String message, Throwable cause) {
        super(message, cause);
        this.retryAfter = Optional.empty();
    }

    Optional<Duration> retryAfter() {
        return retryAfter;
    }
}
