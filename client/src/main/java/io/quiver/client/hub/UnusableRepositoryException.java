package io.quiver.client.hub;

/** A repository has no files that make a base model or an adapter. */
public final class UnusableRepositoryException extends HubException {
    UnusableRepositoryException(String message) {
        super(message);
    }
}
