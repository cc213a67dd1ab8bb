package io.quiver.client.hub;

/** A file came, twice, with another content than the hub's description of it says. */
public final class DamagedDownloadException extends HubException {
    DamagedDownloadException(String message) {
        super(message);
    }
}
