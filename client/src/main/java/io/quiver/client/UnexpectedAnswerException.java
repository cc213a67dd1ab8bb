package io.quiver.client;

/** Something answers at a service's address, but not what that service would say. */
public final class UnexpectedAnswerException extends ServerException {
    UnexpectedAnswerException(String message) {
        super(message);
    }

    UnexpectedAnswerException(String message, Throwable cause) {
        super(message, cause);
    }
}
