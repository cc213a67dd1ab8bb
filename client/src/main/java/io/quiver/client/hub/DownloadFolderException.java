package io.quiver.client.hub;

/** The folder for a model is taken, in use by another pull, or has no room. */
public final class DownloadFolderException extends HubException {
    DownloadFolderException(String message) {
        super(message);
    }
}
