package io.quiver.cli;

import io.quiver.terminal.Terminal;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Everything outside a command that it may ask.
 *
 * @param environment variables of the process
 * @param home the folder of Quiver itself, in which {@code quickstart} lies
 * @param beganMillis when the person typed the command, in milliseconds since 1970
 * @param nanoTime nanoseconds that never go back
 */
record Surroundings(
        Terminal terminal,
        Map<String, String> environment,
        Path home,
        long beganMillis,
        Clock clock,
        LongSupplier nanoTime) {
    Surroundings {
        environment = Map.copyOf(environment);
    }
}
