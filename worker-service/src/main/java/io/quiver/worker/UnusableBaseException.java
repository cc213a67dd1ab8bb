package io.quiver.worker;

/** A base model that cannot be run here, for a reason that trying again will not remove. Never leaves this package. */
final class UnusableBaseException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final FailureCode code;

    UnusableBaseException(FailureCode code, String message) {
        super(message);
        this.code = code;
    }

    FailureCode code() {
        return code;
    }
}
