package io.quiver.router;

/** An object does not have the bytes that its digest promises: never used, whatever the reason. */
public final class ContentMismatchException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ContentMismatchException(String message) {
        super(message);
    }
}
