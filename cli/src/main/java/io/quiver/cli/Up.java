package io.quiver.cli;

import io.quiver.standalone.Standalone;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Starts everything in this process and serves until Ctrl-C. */
@Command(
        name = "up",
        description =
                "Start PostgreSQL, Kafka, an S3 server and the three services in one process; serve until Ctrl-C.",
        footer = {"", "Examples:", "  quiver up", "  quiver up --data ./data --registry-port 8070 --router-port 8071"})
final class Up implements Callable<Integer> {
    @Mixin
    private StackOptions stack = new StackOptions();

    private final Surroundings surroundings;

    Up(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() {
        return Standalone.up(stack.options(), surroundings.terminal().out());
    }
}
