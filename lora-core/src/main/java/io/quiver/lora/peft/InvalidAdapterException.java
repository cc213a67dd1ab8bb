package io.quiver.lora.peft;

import java.util.List;
import java.util.stream.Collectors;

/** An adapter that had to be valid is not. Holds every violation found. */
public final class InvalidAdapterException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient List<Violation> violations;

    public InvalidAdapterException(List<Violation> violations) {
        super(violations.stream()
                .map(violation -> violation.code() + " (" + violation.where() + "): " + violation.message())
                .collect(Collectors.joining("; ")));
        this.violations = List.copyOf(violations);
    }

    public List<Violation> violations() {
        return violations;
    }
}
