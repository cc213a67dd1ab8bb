package io.quiver.client;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** A service said no: a status of 400 or above, with its code and everything that was wrong. */
public final class RefusedException extends ServerException {
    private final int status;
    private final String code;
    private final transient List<Violation> violations;
    private final transient Optional<Duration> retryAfter;

    RefusedException(int status, String code, String message, List<Violation> violations) {
        this(status, code, message, violations, Optional.empty());
    }

    private RefusedException(
            int status, String code, String message, List<Violation> violations, Optional<Duration> retryAfter) {
        super(message);
        this.status = status;
        this.code = code;
        this.violations = List.copyOf(violations);
        this.retryAfter = retryAfter;
    }

    /** The same refusal from a service that said when to come back. */
    RefusedException withRetryAfter(Optional<Duration> pause) {
        return new RefusedException(status, code, getMessage(), violations, pause);
    }

    public int status() {
        return status;
    }

    /** Stable and lower case, such as {@code model_not_found}; empty if the service gave none. */
    public String code() {
        return code;
    }

    public List<Violation> violations() {
        return violations;
    }

    /** After how long the same request may succeed; empty if the service did not say that it may. */
    public Optional<Duration> retryAfter() {
        return retryAfter;
    }
}
