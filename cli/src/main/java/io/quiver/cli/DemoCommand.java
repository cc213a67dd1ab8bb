package io.quiver.cli;

import io.quiver.standalone.DemoOptions;
import io.quiver.standalone.Standalone;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Starts everything, uploads the bundled model and experts, and asks them. */
@Command(
        name = "demo",
        description = "Start everything, upload the bundled model and experts, show each expert's way to READY, ask a"
                + " question of each skill with all of them, measure strategies side by side, and keep serving until"
                + " Ctrl-C.",
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
        Path quickstart = surroundings.home().resolve("quickstart");
        DemoOptions demo = new DemoOptions(quickstart, exitAfterwards, surroundings.beganMillis());
        MeasureBundled measurement = new MeasureBundled(quickstart.resolve("questions.json"), surroundings);
        return Standalone.demo(stack.options(), demo, surroundings.terminal(), measurement);
    }
}
