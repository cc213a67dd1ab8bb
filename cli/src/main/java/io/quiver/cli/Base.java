package io.quiver.cli;

import io.quiver.client.RegistryClient;
import io.quiver.terminal.Table;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Lists base models; its subcommands add one, and have one calibrated again. */
@Command(
        name = "base",
        description = "List the registered base models, add one, or have one calibrated again.",
        footer = {
            "",
            "Examples:",
            "  quiver base",
            "  quiver base add ./SmolLM2-135M-Instruct",
            "  quiver base calibrate smollm2-135m-instruct"
        })
final class Base implements Callable<Integer> {
    @Mixin
    private Servers servers = new Servers();

    private final Surroundings surroundings;

    Base(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() {
        RegistryClient registry = servers.registry(surroundings.environment());
        Table table = new Table("BASE MODEL", "MODULES", "CALIBRATION", "DIGEST");
        registry.baseModels(json -> {
            BaseModelJson base = new BaseModelJson(json);
            table.row(base.name(), base.modules(), base.calibration(), base.digest());
        });
        if (table.isEmpty()) {
            surroundings.terminal().out().println("no base models yet: register one with quiver base add FOLDER");
        } else {
            table.print(surroundings.terminal());
        }
        return ExitStatus.DONE;
    }
}
