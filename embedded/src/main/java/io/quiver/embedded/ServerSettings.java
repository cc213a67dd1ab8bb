package io.quiver.embedded;

import java.nio.file.Path;

/**
 * Where a server keeps its data and on which port of 127.0.0.1 it listens.
 *
 * @param dir its own directory, made if absent
 * @param port 1 to 65535, or 0 for any free one
 * @param portOption how a person chooses another port, for the message when this one is taken
 */
public record ServerSettings(Path dir, int port, String portOption) {
    private static final int PORT_MAX = 65_535;

    public ServerSettings {
        if (port < 0 || port > PORT_MAX) {
            throw new IllegalArgumentException("a port is 0 to 65535, not " + port + " (" + portOption + ")");
        }
        dir = dir.toAbsolutePath().normalize();
    }

    /** Any free port: what tests want. */
    public static ServerSettings onFreePort(Path dir) {
        return new ServerSettings(dir, 0, "another setting");
    }

    /** The port to listen on, found free; throws {@link PortTakenException}. */
    int freePort(String neededBy) {
        if (port == 0) {
            return LoopbackPort.free();
        }
        LoopbackPort.requireFree(port, neededBy, portOption);
        return port;
    }
}
