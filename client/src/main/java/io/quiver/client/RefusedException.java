package io.quiver.client;

import java.util.List;

/** A service said no: a status of 400 or above, with its code and everything that was wrong. */
public final class RefusedException extends ServerException {
    private final int status;
    private final String code;
    private final transient List<Violation> violations;

    RefusedException(int status, String code, String message, List<Violation> violations) {
        super(message);
        this.status = status;
        this.code = code;
        this.violations = List.copyOf(violations);
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
}
