package io.quiver.cli;

import io.quiver.standalone.DemoOptions;
import io.quiver.standalone.Standalone;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Starts everything, uploads the bundled model and experts, and asks them. */
@Command(
        name = "demo",
        description =
                "Start everything, upload the bundled model and experts, show each expert's way to READY, ask a few"
                        + " questions with all of them, and keep serving until Ctrl-C.",
        footer = {"", "Examples:", "  quiver demo", "  quiver demo --exit --data /tmp/quiver-demo"})
final class DemoCommand implements Callable<Integer> {
    @Mixin
    private StackOptions stack = new StackOptions();

    @Option(names = "--exit", description = "stop after the last answer; status 0 only if all went well")
    private boolean exitAfterwards;

    private final Surroundings surroundings;

    DemoCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() {
        DemoOptions demo =
                new DemoOptions(surroundings.home().resolve("quickstart"), exitAfterwards, surroundings.beganMillis());
        return Standalone.demo(stack.options(), demo, surroundings.terminal());
    }
}
