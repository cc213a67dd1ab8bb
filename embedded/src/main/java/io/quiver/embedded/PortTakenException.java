package io.quiver.embedded;

/** Another program listens on a port that a server needs. The message names the port, who needs it and how to choose another. */
public final class PortTakenException extends EmbeddedServerException {
    private static final long serialVersionUID = 1L;

    private final int port;

    public PortTakenException(int port, String neededBy, String option) {
        super(
                "port " + port + " on 127.0.0.1 is taken; " + neededBy + " needs it: choose another with " + option,
                null);
        this.port = port;
    }

    public int port() {
        return port;
    }
}
