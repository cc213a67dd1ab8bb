package io.quiver.cli;

/** What was asked for cannot be: a name that is none, a folder that is not there. The message says what to do. */
final class UsageException extends RuntimeException {
    UsageException(String message) {
        super(message);
    }
}
