package io.quiver.registry;

import io.quiver.lora.peft.Violation;
import java.util.List;

/** A request that is refused, and why: the caller can do something about it, trying again is of no use. */
public final class RegistryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ProblemCode code;
    private final transient List<Violation> violations;

    public RegistryException(ProblemCode code, String message) {
        this(code, message, List.of());
    }

    /** @param violations everything that is wrong, at once */
    public RegistryException(ProblemCode code, String message, List<Violation> violations) {
        super(message);
        this.code = code;
        this.violations = List.copyOf(violations);
    }

    public ProblemCode code() {
        return code;
    }

    public List<Violation> violations() {
        return violations;
    }
}
