package io.quiver.objectstore;

import org.jspecify.annotations.Nullable;

/** The object store could not do what it was asked: unreachable, refused, or broken off. Worth trying again. */
public class ObjectStoreException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ObjectStoreException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
