package io.quiver.objectstore;

/** An object has other bytes than was promised. */
public final class ContentMismatchException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ContentMismatchException(String message) {
        super(message);
    }
}
