package io.quiver.registry;

/** A worker's prototype file is not what it should be: the version fails with this code, trying again is of no use. */
final class UnusablePrototypesException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String code;

    UnusablePrototypesException(String code, String message) {
        super(message);
        this.code = code;
    }

    String code() {
        return code;
    }
}
