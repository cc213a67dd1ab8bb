package io.quiver.lora.peft;

/** A regular expression from an adapter's configuration cannot be used. */
final class PatternException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    PatternException(String message) {
        super(message, null, false, false);
    }
}
