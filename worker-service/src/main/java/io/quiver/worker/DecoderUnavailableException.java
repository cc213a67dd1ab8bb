package io.quiver.worker;

/** This machine can run no base model at all, such as one for whose processor there is no libtorch. */
public final class DecoderUnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public DecoderUnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}
