package io.quiver.cli;

import io.quiver.client.RegistryClient;
import io.quiver.schemas.AdapterName;
import io.quiver.terminal.Quantities;
import io.quiver.terminal.Table;
import io.quiver.terminal.Terminal;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** Lists adapters, or the versions of one. */
@Command(
        name = "ls",
        description = "List adapters with their newest version, or all versions of one adapter.",
        footer = {"", "Examples:", "  quiver ls", "  quiver ls --selector skill=sql,lang=en", "  quiver ls team/sql"})
final class Ls implements Callable<Integer> {
    @Mixin
    private Servers servers = new Servers();

    @Parameters(arity = "0..1", paramLabel = "NS/NAME", description = "list the versions of this adapter")
    private @Nullable String adapter;

    @Option(names = "--selector", paramLabel = "KEY=VALUE,…", description = "only adapters that have these labels")
    private @Nullable String selector;

    private final Surroundings surroundings;

    Ls(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() {
        RegistryClient registry = servers.registry(surroundings.environment());
        Terminal terminal = surroundings.terminal();
        Table table = new Table("ADAPTER", "VERSION", "STATE", "BASE", "RANK/MODULES", "DIGEST", "AGE", "FAILURE");
        if (adapter != null) {
            AdapterName name = AdapterNaming.parse(adapter);
            registry.versions(name, version -> row(table, name.toString(), new VersionJson(version)));
        } else {
            registry.adapters(Optional.ofNullable(selector), item -> rowOf(table, item));
        }
        if (table.isEmpty()) {
            terminal.out()
                    .println(
                            selector == null
                                    ? "no adapters yet: upload one with quiver push FOLDER"
                                    : "no adapter has the labels " + selector);
        } else {
            table.print(terminal);
        }
        return ExitStatus.DONE;
    }

    private void rowOf(Table table, JsonNode item) {
        AdapterJson json = new AdapterJson(item);
        Optional<VersionJson> newest = json.newestVersion();
        if (newest.isPresent()) {
            row(table, json.name(), newest.get());
        } else {
            table.row(json.name(), "-", "-", "-", "-", "-", "-", "");
        }
    }

    private void row(Table table, String name, VersionJson version) {
        Instant now = surroundings.clock().instant();
        table.row(
                name,
                String.valueOf(version.number()),
                version.state(),
                version.base(),
                version.rankAndModules(),
                version.digestAbbreviated(),
                Quantities.age(version.age(now)),
                version.failure());
    }
}
