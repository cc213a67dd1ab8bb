package io.quiver.embedded;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.concurrent.ThreadLocalRandom;

/** TCP ports of the loopback interface, 127.0.0.1: which are free. */
public final class LoopbackPort {
    /** Free ports are chosen below the range (32768 and up) from which the kernel takes the ports of outgoing connections. */
    private static final int LOWEST = 20_000;

    private static final int HIGHEST = 32_000;
    private static final int ATTEMPTS_MAX = 1_000;

    private LoopbackPort() {}

    /** Does nothing if nobody listens on the port; throws {@link PortTakenException} otherwise. */
    public static void requireFree(int port, String neededBy, String option) {
        if (!isFree(port)) {
            throw new PortTakenException(port, neededBy, option);
        }
    }

    /** A port on which nobody listens at the moment, 20000 to 32000. */
    public static int free() {
        for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
            int port = ThreadLocalRandom.current().nextInt(LOWEST, HIGHEST);
            if (isFree(port)) {
                return port;
            }
        }
        throw new EmbeddedServerException("no free port between " + LOWEST + " and " + HIGHEST + " on 127.0.0.1", null);
    }

    private static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), port), 1);
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
