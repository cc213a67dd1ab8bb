package io.quiver.client.hub;

/** A hub did not answer, or not to the end, however often it was asked. What has come is kept, and the next pull goes on from there. */
public final class HubUnreachableException extends HubException {
    HubUnreachableException(String message, Throwable cause) {
        super(message, cause);
    }
}
