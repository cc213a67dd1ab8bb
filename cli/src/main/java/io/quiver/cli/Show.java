package io.quiver.cli;

import io.quiver.client.RefusedException;
import io.quiver.client.RegistryClient;
import io.quiver.schemas.AdapterName;
import io.quiver.terminal.Quantities;
import io.quiver.terminal.Terminal;
import io.quiver.terminal.Terminal.Style;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Shows one version of an adapter with a picture of its prototypes. */
@Command(
        name = "show",
        description = "Show one version of an adapter: what it is, where it stands, and its prototypes by layer.",
        footer = {"", "Examples:", "  quiver show team/sql", "  quiver show team/sql:3"})
final class Show implements Callable<Integer> {
    @Mixin
    private Servers servers = new Servers();

    @Parameters(arity = "1", paramLabel = "NS/NAME[:VERSION]", description = "the adapter; default: its newest version")
    private String reference = "";

    private final Surroundings surroundings;

    Show(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() {
        int colon = reference.indexOf(':');
        AdapterName name = AdapterNaming.parse(colon < 0 ? reference : reference.substring(0, colon));
        RegistryClient registry = servers.registry(surroundings.environment());
        AdapterJson adapter = new AdapterJson(registry.adapter(name));
        VersionJson version = new VersionJson(registry.version(name, versionOf(colon, adapter)));
        print(name, adapter, version);
        if (!version.failure().isEmpty()) {
            return ExitStatus.DONE;
        }
        try {
            new PrototypeChart(registry.prototypes(name, String.valueOf(version.number())))
                    .print(surroundings.terminal());
        } catch (RefusedException e) {
            // A version that is not READY has none yet; its state says so.
            surroundings.terminal().out().println(surroundings.terminal().paint(Style.DIM, e.getMessage()));
        }
        return ExitStatus.DONE;
    }

    private String versionOf(int colon, AdapterJson adapter) {
        if (colon >= 0) {
            String version = reference.substring(colon + 1);
            if (!version.matches("[0-9]{1,9}|latest")) {
                throw new UsageException("a version is a number or 'latest', but this is '" + version + "'");
            }
            return version;
        }
        Optional<VersionJson> newest = adapter.newestVersion();
        return newest.map(version -> String.valueOf(version.number())).orElse("latest");
    }

    private void print(AdapterName name, AdapterJson adapter, VersionJson version) {
        Terminal terminal = surroundings.terminal();
        terminal.out().println(terminal.paint(Style.BOLD, name + ":" + version.number()) + "  " + version.state());
        field("base", version.base());
        field("digest", version.digest());
        field("labels", adapter.labels());
        field("aliases", adapter.aliases());
        field("age", Quantities.age(version.age(surroundings.clock().instant())));
        version.json()
                .path("files")
                .forEach(file -> field(
                        "file",
                        file.path("name").asString("") + "  "
                                + Quantities.bytes(file.path("sizeBytes").asLong(0))));
        field("failure", version.failure());
    }

    private void field(String label, String value) {
        if (!value.isEmpty()) {
            Terminal terminal = surroundings.terminal();
            terminal.out().println("  " + terminal.paint(Style.DIM, String.format("%-8s", label)) + value);
        }
    }
}
