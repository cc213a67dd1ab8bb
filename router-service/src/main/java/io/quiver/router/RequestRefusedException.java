package io.quiver.router;

import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A request that is not answered, with the code, the words and the parameter that the caller is told: those of the first
 * violation, where there are several.
 */
public final class RequestRefusedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private static final Duration SOON = Duration.ofSeconds(1);

    private final transient List<Violation> violations;
    private final Duration retryAfter;

    /**
     * One thing that is wrong with a request.
     *
     * @param param the parameter concerned, such as {@code routing.experts}, if it is one
     */
    public record Violation(
            RefusalCode code, String message, @Nullable String param) {}

    public RequestRefusedException(RefusalCode code, String message, @Nullable String param) {
        this(code, message, param, null);
    }

    public RequestRefusedException(
            RefusalCode code, String message, @Nullable String param, @Nullable Throwable cause) {
        this(code, message, param, SOON, cause);
    }

    private RequestRefusedException(
            RefusalCode code, String message, @Nullable String param, Duration retryAfter, @Nullable Throwable cause) {
        super(message, cause);
        this.violations = List.of(new Violation(code, message, param));
        this.retryAfter = retryAfter;
    }

    /** A refusal that is likely to be none after some time. */
    public static RequestRefusedException until(RefusalCode code, String message, Duration retryAfter) {
        return new RequestRefusedException(code, message, null, retryAfter, null);
    }

    /** @param violations at least one */
    public RequestRefusedException(List<Violation> violations) {
        super(violations.stream().map(Violation::message).collect(Collectors.joining("; ")));
        if (violations.isEmpty()) {
            throw new IllegalArgumentException("a refused request violates something");
        }
        this.violations = List.copyOf(violations);
        this.retryAfter = SOON;
    }

    public RefusalCode code() {
        return violations.get(0).code();
    }

    /** When to try again, if that makes sense at all ({@link RefusalCode#worthRetrying}); in whole seconds. */
    public Duration retryAfter() {
        return retryAfter;
    }

    /** The parameter concerned, such as {@code routing.experts}, if it is one. */
    public @Nullable String param() {
        return violations.get(0).param();
    }

    /** All that is wrong, in the order in which it was found. */
    public List<Violation> violations() {
        return violations;
    }
}
