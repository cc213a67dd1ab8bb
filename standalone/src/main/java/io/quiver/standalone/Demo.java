package io.quiver.standalone;

import io.quiver.client.EventStream;
import io.quiver.client.LifecycleEvent.VersionId;
import io.quiver.client.MultipartBody;
import io.quiver.client.Reconnecting;
import io.quiver.client.RefusedException;
import io.quiver.client.RegistryClient;
import io.quiver.client.RegistryClient.EventQuery;
import io.quiver.client.RegistryClient.Uploaded;
import io.quiver.client.RouterClient;
import io.quiver.client.ServerException;
import io.quiver.schemas.AdapterName;
import io.quiver.standalone.QuickstartFolder.Question;
import io.quiver.terminal.Terminal;
import io.quiver.terminal.Terminal.Style;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The way of an expert from upload to routed answer, shown with the bundled model to whoever watches. It uses the services as any client does. */
final class Demo {
    private static final Logger LOG = LoggerFactory.getLogger(Demo.class);
    static final String BASE = "quickstart";

    /** The code of a refusal: the name belongs to a base model with other files. */
    private static final String OTHER_MODEL = "base_model_exists";

    private static final String NAMESPACE = "quickstart";
    private static final long READY_LIMIT_MILLIS = 180_000;
    private static final long CATALOGUE_LIMIT_MILLIS = 20_000;
    private static final long PAUSE_MILLIS = 100;
    private static final int RECONNECTS_MAX = 10;
    private static final int ANSWER_TOKENS_MAX = 48;

    /** What each lifecycle event says about the state of its version. */
    private static final Map<String, String> STATE_AFTER = Map.of(
            "AdapterUploaded", "UPLOADED",
            "AdapterComputing", "COMPUTING",
            "AdapterReady", "READY",
            "AdapterFailed", "FAILED");

    private final RegistryClient registry;
    private final RouterClient router;
    private final DemoOptions options;
    private final Terminal terminal;
    private final PrintStream out;

    Demo(RegistryClient registry, RouterClient router, DemoOptions options, Terminal terminal) {
        this.registry = registry;
        this.router = router;
        this.options = options;
        this.terminal = terminal;
        this.out = terminal.out();
    }

    /**
     * What came of it.
     *
     * @param firstAnswerMillis from the command to the first routed answer
     */
    record Outcome(int experts, long ready, int questions, int answered, int right, long firstAnswerMillis) {
        boolean isComplete() {
            return ready == experts && answered == questions;
        }

        @Override
        public String toString() {
            return "demo: " + (ready == experts ? "" : ready + " of ") + experts + " experts READY, "
                    + (answered == questions ? "" : answered + " of ") + questions + " questions answered, " + right
                    + " of them rightly"
                    + (answered == 0 ? "" : ", first routed answer after " + Standalone.seconds(firstAnswerMillis));
        }
    }

    /** Registers, uploads, waits and asks. Throws {@link ServerException} when a service refuses or breaks off, {@link StandaloneException} when nothing comes of it. */
    Outcome run() throws InterruptedException {
        QuickstartFolder quickstart = QuickstartFolder.read(options.quickstartDir());
        List<AdapterName> adapters =
                quickstart.experts().stream().map(Demo::adapter).toList();
        registerBase(quickstart);
        long ready = uploadExperts(quickstart);
        int answered = 0;
        int right = 0;
        long firstAnswerMillis = 0;
        if (ready == adapters.size()) {
            new AwaitEvidence(registry, terminal).of(BASE, adapters);
            List<String> library = adapters.stream().map(AdapterName::toString).toList();
            out.println();
            out.println(terminal.paint(
                    Style.BOLD, "Asking, with all experts as the library: evidence chooses one for each question"));
            for (Question question : quickstart.questions()) {
                RoutedAnswer answer = ask(question.prompt(), adapters.size());
                if (firstAnswerMillis == 0) {
                    firstAnswerMillis = System.currentTimeMillis() - options.beganMillis();
                }
                show(question, answer, library);
                answered += answer.text().isBlank() ? 0 : 1;
                right += answer.text().equals(question.answer()) ? 1 : 0;
            }
        }
        return new Outcome(adapters.size(), ready, quickstart.questions().size(), answered, right, firstAnswerMillis);
    }

    private void registerBase(QuickstartFolder quickstart) {
        Uploaded uploaded;
        try {
            uploaded = registry.addBaseModel(BASE, body(quickstart.baseFiles()), sent -> {});
        } catch (RefusedException refused) {
            if (refused.code().equals(OTHER_MODEL)) {
                throw new StandaloneException(
                        "the data folder is that of a demonstration with another model '" + BASE
                                + "': begin anew with --data FOLDER, or remove the folder if nothing in it is needed",
                        refused);
            }
            throw refused;
        }
        out.println();
        out.println(
                terminal.paint(Style.BOLD, "Base model " + BASE) + (uploaded.created() ? " registered" : " was there"));
    }

    /** Returns how many of them are READY. */
    private long uploadExperts(QuickstartFolder quickstart) throws InterruptedException {
        out.println(
                terminal.paint(Style.BOLD, "Uploading " + quickstart.experts().size() + " experts"));
        int nameColumns = quickstart.experts().stream()
                .mapToInt(folder -> adapter(folder).toString().length() + 2)
                .max()
                .orElse(0);
        var board = new VersionBoard(terminal, nameColumns);
        try (EventStream events = registry.events(EventQuery.after(0, List.of(), Optional.empty()))) {
            Thread following = new Thread(() -> follow(events, board), "demo-events");
            following.setDaemon(true);
            following.start();
            for (Path folder : quickstart.experts()) {
                AdapterName adapter = adapter(folder);
                MultipartBody body = body(List.of(
                                folder.resolve("adapter_config.json"), folder.resolve("adapter_model.safetensors")))
                        .text("base", BASE)
                        .text("labels", RegistryClient.labelsJson(Map.of("skill", adapter.name())));
                JsonNode uploaded =
                        registry.addVersion(adapter, body, sent -> {}).body();
                var version = new VersionId(adapter, uploaded.path("version").asInt(0));
                board.follow(version.toString());
                board.moved(version.toString(), uploaded.path("state").asString(""));
            }
            return board.awaitSettled(READY_LIMIT_MILLIS);
        }
    }

    private static void follow(EventStream events, VersionBoard board) {
        try {
            events.follow(
                    event -> {
                        String state = STATE_AFTER.get(event.type());
                        if (state != null) {
                            event.version().ifPresent(version -> board.moved(version.toString(), state));
                        }
                        return true;
                    },
                    new Reconnecting(RECONNECTS_MAX, line -> {}));
        } catch (ServerException e) {
            // Whoever waits for a state that does not come any more says so.
            LOG.warn("the registry's events cannot be followed", e);
        }
    }

    /** Asks once the router's catalogue, which follows the registry's by moments, has all experts with their evidence. */
    private RoutedAnswer ask(String prompt, int experts) throws InterruptedException {
        long deadline = System.nanoTime() + CATALOGUE_LIMIT_MILLIS * 1_000_000;
        while (true) {
            try {
                RoutedAnswer answer = RoutedAnswer.of(router.chat(request(prompt)));
                if (answer.isByEvidenceAmong(experts)) {
                    return answer;
                }
            } catch (RefusedException e) {
                boolean mayBeEarly = e.status() == 404 || e.status() == 400;
                if (!mayBeEarly || System.nanoTime() > deadline) {
                    throw e;
                }
            }
            if (System.nanoTime() > deadline) {
                throw new StandaloneException(
                        "the router does not have all experts with their evidence in its catalogue", null);
            }
            Thread.sleep(PAUSE_MILLIS);
        }
    }

    private static ObjectNode request(String prompt) {
        ObjectNode request = JsonMapper.shared().createObjectNode();
        request.put("model", BASE);
        request.putArray("messages").addObject().put("role", "user").put("content", prompt);
        request.put("temperature", 0);
        request.put("max_tokens", ANSWER_TOKENS_MAX);
        request.putObject("routing").put("all", true);
        return request;
    }

    private void show(Question question, RoutedAnswer answer, List<String> library) {
        boolean isRight = answer.text().equals(question.answer());
        out.println();
        out.println("  " + question.prompt());
        out.println("  → " + answer.painted(terminal, library) + "  "
                + (isRight
                        ? terminal.paint(Style.GREEN, "✓")
                        : terminal.paint(Style.RED, "✗") + " right would be " + question.answer()));
        out.println("    " + terminal.paint(Style.DIM, "evidence: ") + answer.reasons(terminal, library));
    }

    private static AdapterName adapter(Path folder) {
        return new AdapterName(NAMESPACE, String.valueOf(folder.getFileName()));
    }

    private MultipartBody body(List<Path> files) {
        try {
            return registry.multipart(files);
        } catch (IOException e) {
            throw new StandaloneException("cannot read the quickstart model: " + e, e);
        }
    }
}
