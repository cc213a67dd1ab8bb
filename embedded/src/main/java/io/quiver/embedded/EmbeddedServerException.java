package io.quiver.embedded;

import org.jspecify.annotations.Nullable;

/** A server of the embedded stack could not be started or stopped; the message says which, and what to do about it. */
public class EmbeddedServerException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public EmbeddedServerException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
