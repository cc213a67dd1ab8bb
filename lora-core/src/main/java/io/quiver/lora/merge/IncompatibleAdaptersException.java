package io.quiver.lora.merge;

/** Adapters that are each in order but cannot be computed with together; the message names the module. */
public final class IncompatibleAdaptersException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public IncompatibleAdaptersException(String message) {
        super(message);
    }
}
