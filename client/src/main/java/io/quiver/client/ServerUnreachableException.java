package io.quiver.client;

import java.net.URI;

/** Nobody answers at a service's address, or the connection broke. */
public final class ServerUnreachableException extends ServerException {
    private final String service;
    private final boolean absent;

    private ServerUnreachableException(String message, String service, boolean absent, Throwable cause) {
        super(message, cause);
        this.service = service;
        this.absent = absent;
    }

    static ServerUnreachableException refused(String service, URI server, Throwable cause) {
        return new ServerUnreachableException("no " + service + " at " + server, service, true, cause);
    }

    static ServerUnreachableException broken(String service, URI server, Throwable cause) {
        String why = cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
        return new ServerUnreachableException(
                "the connection to the " + service + " at " + server + " broke: " + why, service, false, cause);
    }

    /** {@code registry} or {@code router}. */
    public String service() {
        return service;
    }

    /** Whether nobody listens at the address, so that nothing of the request has been heard. */
    public boolean isAbsent() {
        return absent;
    }
}
