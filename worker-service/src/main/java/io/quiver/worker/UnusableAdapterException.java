package io.quiver.worker;

import org.jspecify.annotations.Nullable;

/** An adapter that can never have prototypes, for a reason that lies in its content. Never leaves this package. */
final class UnusableAdapterException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final FailureCode code;
    private final @Nullable String module;

    UnusableAdapterException(FailureCode code, String message, @Nullable String module) {
        super(message);
        this.code = code;
        this.module = module;
    }

    PrototypeOutcome.Failed toOutcome() {
        return new PrototypeOutcome.Failed(code, String.valueOf(getMessage()), module);
    }
}
