package io.quiver.standalone;

import org.jspecify.annotations.Nullable;

/** The standalone stack could not be started, or its demonstration did not come to its end; the message is for the person in front of it. */
public class StandaloneException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public StandaloneException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
