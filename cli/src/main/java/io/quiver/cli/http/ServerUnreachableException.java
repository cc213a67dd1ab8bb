package io.quiver.cli.http;

import java.net.URI;
import java.util.Locale;

/** Nobody answers at a service's address, or the connection broke. */
public final class ServerUnreachableException extends ServerException {
    private ServerUnreachableException(String message, Throwable cause) {
        super(message, cause);
    }

    static ServerUnreachableException refused(String service, URI server, Throwable cause) {
        return new ServerUnreachableException(
                "no " + service + " at " + server + ": start one with ./quiver up, or give its address with --"
                        + service + " or QUIVER_" + service.toUpperCase(Locale.ROOT),
                cause);
    }

    static ServerUnreachableException broken(String service, URI server, Throwable cause) {
        String why = cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
        return new ServerUnreachableException(
                "the connection to the " + service + " at " + server + " broke: " + why, cause);
    }
}
