package io.quiver.cli;

import io.quiver.client.RegistryClient;
import io.quiver.terminal.Table;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Lists base models; its subcommand adds one. */
@Command(
        name = "base",
        description = "List the registered base models, or add one.",
        footer = {"", "Examples:", "  quiver base", "  quiver base add ./SmolLM2-135M-Instruct"})
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
        Table table = new Table("BASE MODEL", "MODULES", "DIGEST");
        registry.baseModels(json -> {
            BaseModelJson base = new BaseModelJson(json);
            table.row(base.name(), base.modules(), base.digest());
        });
        if (table.isEmpty()) {
            surroundings.terminal().out().println("no base models yet: register one with quiver base add FOLDER");
        } else {
            table.print(surroundings.terminal());
        }
        return ExitStatus.DONE;
    }
}
