package io.quiver.client.hub;

/** What answers at a hub's address does not speak as a hub does, or says more than its limits allow. */
public final class UnexpectedHubAnswerException extends HubException {
    UnexpectedHubAnswerException(String message) {
        super(message);
    }

    UnexpectedHubAnswerException(String message, Throwable cause) {
        super(message, cause);
    }
}
