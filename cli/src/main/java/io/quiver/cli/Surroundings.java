package io.quiver.cli;

import io.quiver.cli.terminal.Terminal;
import java.time.Clock;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Everything outside a command that it may ask.
 *
 * @param environment variables of the process
 * @param nanoTime nanoseconds that never go back
 */
record Surroundings(Terminal terminal, Map<String, String> environment, Clock clock, LongSupplier nanoTime) {
    Surroundings {
        environment = Map.copyOf(environment);
    }
}
