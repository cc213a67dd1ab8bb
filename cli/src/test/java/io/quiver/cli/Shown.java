package io.quiver.cli;

import io.quiver.terminal.Terminal;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;

/** Runs the command in this process and keeps what it shows. */
final class Shown {
    static final Instant NOW = Instant.parse("2026-11-22T10:00:00Z");

    final ByteArrayOutputStream out = new ByteArrayOutputStream();
    final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final boolean colour;
    private final boolean interactive;

    Shown(boolean interactive, boolean colour) {
        this.interactive = interactive;
        this.colour = colour;
    }

    static Shown inAPipe() {
        return new Shown(false, false);
    }

    static Shown onATerminal() {
        return new Shown(true, true);
    }

    int run(Map<String, String> environment, String... args) {
        return QuiverCommand.commandLine(surroundings(environment)).execute(args);
    }

    Surroundings surroundings(Map<String, String> environment) {
        return new Surroundings(
                terminal(), environment, Path.of(""), 0, Clock.fixed(NOW, ZoneOffset.UTC), System::nanoTime);
    }

    Terminal terminal() {
        return new Terminal(
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                interactive,
                colour,
                100);
    }

    String out() {
        return out.toString(StandardCharsets.UTF_8);
    }

    String err() {
        return err.toString(StandardCharsets.UTF_8);
    }
}
