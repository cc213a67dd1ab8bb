package io.quiver.lora.arrow;

/** A file is not a prototype file of a version that this program reads. */
public final class InvalidPrototypeFileException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    InvalidPrototypeFileException(String message) {
        super(message);
    }
}
