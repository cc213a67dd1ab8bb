package io.quiver.client;

/** A request to a service did not lead to an answer that can be used. */
public abstract sealed class ServerException extends RuntimeException
        permits ServerUnreachableException, RefusedException, UnexpectedAnswerException {
    ServerException(String message, Throwable cause) {
        super(message, cause);
    }

    ServerException(String message) {
        super(message);
    }

    /** For people: what happened and what to do. */
    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
