package io.quiver.client.hub;

/** A hub said no: nothing of that name, nobody without a token, nobody with this one. */
public final class HubRefusedException extends HubException {
    private final int status;

    HubRefusedException(int status, String message) {
        super(message);
        this.status = status;
    }

    public int status() {
        return status;
    }
}
