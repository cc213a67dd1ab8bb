package io.quiver.cli;

import io.quiver.client.Pause;
import io.quiver.client.hub.Hub;
import io.quiver.client.hub.HubLimits;
import io.quiver.client.hub.HubSettings;
import io.quiver.client.hub.ModelFiles;
import io.quiver.client.hub.ModelReference;
import io.quiver.client.hub.PulledModel;
import io.quiver.client.hub.RepositorySnapshot;
import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.ReadAdapterConfig;
import io.quiver.schemas.Names;
import io.quiver.standalone.StandaloneOptions;
import io.quiver.terminal.ProgressBar;
import io.quiver.terminal.Quantities;
import io.quiver.terminal.Terminal;
import io.quiver.terminal.Terminal.Style;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Fetches a base model or an adapter from a Hugging Face hub, and says how to go on with it. */
@Command(
        name = "pull",
        description = {
            "Fetch a base model or an adapter from a Hugging Face hub: configuration, tokenizer and safetensors, every file"
                    + " checked against the hub's digest. Run it again after a break, and it goes on from there.",
            "HF_ENDPOINT names another hub. The token is that of HF_TOKEN, else of the file HF_TOKEN_PATH, else of"
                    + " ~/.cache/huggingface/token."
        },
        footer = {
            "",
            "Examples:",
            "  quiver model pull HuggingFaceTB/SmolLM2-135M-Instruct",
            "  quiver model pull my-team/sql-lora@v1 --to ./sql"
        })
final class ModelPull implements Callable<Integer> {
    @Parameters(
            arity = "1",
            paramLabel = "ORG/NAME[@REVISION]",
            description = "the repository, and a commit, tag or branch of it; default: main")
    private String model = "";

    @Option(
            names = "--to",
            paramLabel = "FOLDER",
            description = "where the files go; default ~/.quiver/models/ORG/NAME@COMMIT")
    private @Nullable Path to;

    private final Surroundings surroundings;

    ModelPull(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException {
        Terminal terminal = surroundings.terminal();
        ModelReference reference;
        HubSettings settings;
        try {
            reference = ModelReference.parse(model);
            settings = HubSettings.of(surroundings.environment(), userHome(surroundings.environment()));
        } catch (IllegalArgumentException e) {
            throw new UsageException(String.valueOf(e.getMessage()));
        }
        Hub hub = new Hub(settings, HubLimits.DEFAULTS, Pause.REAL);
        RepositorySnapshot snapshot = hub.snapshot(reference);
        ModelFiles files = ModelFiles.of(snapshot);
        terminal.out()
                .println(terminal.paint(Style.BOLD, reference.repository()) + "  commit " + snapshot.commit() + "  "
                        + files.files().size() + " files, " + Quantities.bytes(files.totalBytes()));
        PulledModel pulled;
        try (ProgressBar progress =
                new ProgressBar(terminal, reference.name(), files.totalBytes(), surroundings.nanoTime())) {
            pulled = hub.pull(snapshot, files, to == null ? defaultFolder(snapshot) : to, progress);
        }
        terminal.out()
                .println("in " + pulled.folder() + (pulled.receivedBytes() == 0 ? "  (everything was here)" : ""));
        sayHowToGoOn(terminal, reference, files, pulled.folder());
        return ExitStatus.DONE;
    }

    private static Path defaultFolder(RepositorySnapshot snapshot) {
        ModelReference reference = snapshot.reference();
        return StandaloneOptions.defaultDataDir()
                .resolve("models")
                .resolve(reference.owner())
                .resolve(reference.name() + "@" + snapshot.commit());
    }

    private static Path userHome(Map<String, String> environment) {
        String home = environment.getOrDefault("HOME", "");
        return Path.of(home.isEmpty() ? System.getProperty("user.home") : home);
    }

    private static void sayHowToGoOn(Terminal terminal, ModelReference reference, ModelFiles files, Path folder)
            throws IOException {
        String name = AdapterNaming.legal(reference.name());
        String named = Names.isName(name) ? " --name " + name : "";
        terminal.out().println();
        if (files.hasBase()) {
            terminal.out().println("  ./quiver base add " + quoted(folder) + named);
        }
        if (files.hasAdapter()) {
            baseOf(folder)
                    .ifPresent(base -> terminal.out()
                            .println("  ./quiver model pull " + base.repository() + "   # its base model"));
            terminal.out().println("  ./quiver push " + quoted(folder) + named);
        }
    }

    /** The base model that an adapter names, if that is a repository of a hub. */
    private static Optional<ModelReference> baseOf(Path adapter) throws IOException {
        byte[] config;
        try (var in = Files.newInputStream(adapter.resolve(Push.CONFIG))) {
            config = in.readNBytes(AdapterLimits.DEFAULT.configBytesMax() + 1);
        }
        return new ReadAdapterConfig(AdapterLimits.DEFAULT)
                .read(config)
                .baseModelName()
                .flatMap(name -> {
                    try {
                        return Optional.of(ModelReference.parse(name));
                    } catch (IllegalArgumentException e) {
                        return Optional.empty();
                    }
                });
    }

    /** A path as a shell reads it back. */
    private static String quoted(Path path) {
        String text = path.toString();
        return text.matches("[A-Za-z0-9_./@%+:,-]+") ? text : "'" + text.replace("'", "'\\''") + "'";
    }
}
