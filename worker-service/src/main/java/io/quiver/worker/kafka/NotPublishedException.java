package io.quiver.worker.kafka;

/** The broker did not take an event. Worth trying again. */
final class NotPublishedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    NotPublishedException(String message, Throwable cause) {
        super(message, cause);
    }
}
