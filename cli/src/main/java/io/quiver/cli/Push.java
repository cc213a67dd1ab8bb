package io.quiver.cli;

import io.quiver.client.LifecycleEvent.VersionId;
import io.quiver.client.MultipartBody;
import io.quiver.client.Pause;
import io.quiver.client.RefusedException;
import io.quiver.client.RegistryClient;
import io.quiver.client.RegistryClient.Uploaded;
import io.quiver.client.RouterClient.RoutabilityQuery;
import io.quiver.schemas.AdapterName;
import io.quiver.schemas.ExamplePrompts;
import io.quiver.terminal.ProgressBar;
import io.quiver.terminal.Terminal;
import io.quiver.terminal.Terminal.Style;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Uploads adapters as PEFT saved them and follows them until they can be routed to. */
@Command(
        name = "push",
        description = "Upload adapter folders as PEFT saves them, and wait until they can be routed to.",
        footer = {
            "",
            "Examples:",
            "  quiver push ./my-adapter",
            "  quiver push ./out/checkpoint-500 --name team/sql --base smollm2 --label skill=sql",
            "  quiver push adapters/* --no-wait",
            "  quiver push ./my-adapter --library team=support   # report on it among these"
        })
final class Push implements Callable<Integer> {
    static final String CONFIG = "adapter_config.json";
    static final String WEIGHTS = "adapter_model.safetensors";

    @Mixin
    private Servers servers = new Servers();

    @Mixin
    private WaitOption waiting = new WaitOption();

    @Parameters(
            arity = "1..*",
            paramLabel = "FOLDER",
            description = "holds " + CONFIG + " and " + WEIGHTS + "; and where wanted " + ExamplePrompts.FILE
                    + ", prompts that it is for, one {\"prompt\": \"…\"} a line")
    private List<Path> folders = List.of();

    @Option(
            names = "--name",
            paramLabel = "NS/NAME",
            description =
                    "the adapter's name; default: namespace $QUIVER_NAMESPACE or 'default', and the folder's name")
    private @Nullable String name;

    @Option(
            names = "--base",
            paramLabel = "NAME",
            description = "the registered base model; default: found from the adapter itself")
    private @Nullable String base;

    @Option(names = "--label", paramLabel = "KEY=VALUE", description = "a label for selectors; may be repeated")
    private Map<String, String> labels = new LinkedHashMap<>();

    @Option(
            names = "--report",
            negatable = true,
            defaultValue = "true",
            fallbackValue = "true",
            description = "once READY, say what is to be expected of it in its library; on unless --no-report")
    private boolean report;

    @Option(
            names = "--library",
            paramLabel = "NS/A,NS/B|KEY=VALUE|all",
            description = "the library of that report; default: all adapters of its base model")
    private String library = RoutabilityQuery.ALL;

    private final Surroundings surroundings;
    private final Pause pause;

    Push(Surroundings surroundings, Pause pause) {
        this.surroundings = surroundings;
        this.pause = pause;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (name != null && folders.size() > 1) {
            throw new UsageException("--name names one adapter, but there are " + folders.size() + " folders");
        }
        Map<Path, AdapterName> names = new LinkedHashMap<>();
        for (Path folder : folders) {
            requireAdapter(folder);
            names.put(folder, AdapterNaming.of(folder, name, surroundings.environment()));
        }
        RegistryClient registry = servers.registry(surroundings.environment());
        List<VersionId> pending = new ArrayList<>();
        Map<VersionId, Integer> examples = new LinkedHashMap<>();
        boolean allWell = true;
        for (Map.Entry<Path, AdapterName> entry : names.entrySet()) {
            try {
                VersionJson version = upload(registry, entry.getKey(), entry.getValue());
                VersionId id = new VersionId(entry.getValue(), version.number());
                examples.put(id, exampleCount(entry.getKey()));
                if (!version.isSettled()) {
                    pending.add(id);
                }
            } catch (RefusedException e) {
                Refusals.print(surroundings.terminal(), entry.getValue() + " was not accepted", e);
                allWell = false;
            } catch (VersionFailedException e) {
                allWell = false;
            }
        }
        // Of those that were there before, new examples alone are news.
        Map<VersionId, Integer> reported = new LinkedHashMap<>(examples);
        reported.entrySet().removeIf(entry -> pending.contains(entry.getKey()) || entry.getValue() == 0);
        if (waiting.isOn() && !pending.isEmpty()) {
            VersionFollower follower = new VersionFollower(registry, surroundings);
            allWell &= follower.follow(pending);
            follower.ready().forEach(version -> reported.put(version, examples.getOrDefault(version, 0)));
        }
        if (waiting.isOn() && report) {
            new ReportAfterPush(registry, servers.router(surroundings.environment()), surroundings.terminal(), pause)
                    .show(reported, library);
        }
        return allWell ? ExitStatus.DONE : ExitStatus.REFUSED;
    }

    /** How many examples a folder has that was accepted. */
    private static int exampleCount(Path folder) throws IOException {
        Path file = folder.resolve(ExamplePrompts.FILE);
        return Files.isRegularFile(file)
                ? ExamplePrompts.read(Files.readAllBytes(file), new ArrayList<>())
                        .size()
                : 0;
    }

    /** Uploads a folder; returns the version as it stands. */
    private VersionJson upload(RegistryClient registry, Path folder, AdapterName adapter)
            throws IOException, VersionFailedException {
        MultipartBody body = registry.multipart(List.of(folder.resolve(CONFIG), folder.resolve(WEIGHTS)));
        if (Files.isRegularFile(folder.resolve(ExamplePrompts.FILE))) {
            body.file(folder.resolve(ExamplePrompts.FILE));
        }
        if (base != null) {
            body.text("base", base);
        }
        if (!labels.isEmpty()) {
            body.text("labels", RegistryClient.labelsJson(labels));
        }
        Terminal terminal = surroundings.terminal();
        Uploaded uploaded;
        try (ProgressBar progress =
                new ProgressBar(terminal, adapter.toString(), body.sizeBytes(), surroundings.nanoTime())) {
            uploaded = registry.addVersion(adapter, body, progress);
        }
        VersionJson version = new VersionJson(uploaded.body());
        VersionId id = new VersionId(adapter, version.number());
        terminal.out()
                .println(terminal.paint(Style.BOLD, id.toString()) + "  " + version.state() + "  base "
                        + version.base() + "  " + version.digest()
                        + (uploaded.created() ? "" : "  (the registry already had this content)"));
        if (version.state().equals("FAILED")) {
            terminal.err().println(terminal.paint(Style.RED, "✗ " + id + " failed") + ": " + version.failure());
            throw new VersionFailedException();
        }
        return version;
    }

    private static void requireAdapter(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            throw new UsageException("there is no folder " + folder);
        }
        if (!Files.isRegularFile(folder.resolve(CONFIG))) {
            throw new UsageException(folder + " is no adapter folder: it has no " + CONFIG);
        }
        if (!Files.isRegularFile(folder.resolve(WEIGHTS))) {
            throw new UsageException(folder + " has no " + WEIGHTS
                    + (Files.exists(folder.resolve("adapter_model.bin"))
                            ? ": a .bin file can carry code and is not accepted; save it again with PEFT's"
                                    + " save_pretrained(…, safe_serialization=True)"
                            : ""));
        }
    }

    /** The registry has this content, and its computation failed; said where it was found. */
    private static final class VersionFailedException extends Exception {}
}
