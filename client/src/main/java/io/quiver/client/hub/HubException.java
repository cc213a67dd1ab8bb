package io.quiver.client.hub;

/** A pull did not come to its end. The message is for people: what happened and what to do. */
public abstract sealed class HubException extends RuntimeException
        permits HubRefusedException,
                HubUnreachableException,
                UnexpectedHubAnswerException,
                UnusableRepositoryException,
                DamagedDownloadException,
                DownloadFolderException {
    HubException(String message) {
        super(message);
    }

    HubException(String message, Throwable cause) {
        super(message, cause);
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
