package io.quiver.router;

import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A request that is not answered, with the code, the words and the parameter that the caller is told: those of the first
 * violation, where there are several.
 */
public final class RequestRefusedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient List<Violation> violations;

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
        super(message, cause);
        this.violations = List.of(new Violation(code, message, param));
    }

    /** @param violations at least one */
    public RequestRefusedException(List<Violation> violations) {
        super(violations.stream().map(Violation::message).collect(Collectors.joining("; ")));
        if (violations.isEmpty()) {
            throw new IllegalArgumentException("a refused request violates something");
        }
        this.violations = List.copyOf(violations);
    }

    public RefusalCode code() {
        return violations.get(0).code();
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
