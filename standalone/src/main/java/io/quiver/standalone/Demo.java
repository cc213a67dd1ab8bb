package io.quiver.standalone;

import io.quiver.standalone.http.Answer;
import io.quiver.standalone.http.Calls;
import io.quiver.standalone.http.EventStream;
import io.quiver.standalone.http.MultipartForm;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The way of an expert from upload to routed answer, shown with the bundled model to whoever watches. It uses the services as any client does. */
final class Demo {
    static final String BASE = "quickstart";
    private static final String NAMESPACE = "quickstart";
    private static final long READY_LIMIT_MILLIS = 180_000;
    private static final long CATALOGUE_LIMIT_MILLIS = 20_000;
    private static final long PAUSE_MILLIS = 100;
    private static final int ANSWER_TOKENS_MAX = 48;
    private static final int TOP_K = 3;
    private static final double ROUTING_TEMPERATURE = 0.5;

    /** What each lifecycle event says about the state of its version. */
    private static final Map<String, String> STATE_AFTER = Map.of(
            "AdapterUploaded", "UPLOADED",
            "AdapterComputing", "COMPUTING",
            "AdapterReady", "READY",
            "AdapterFailed", "FAILED");

    private final Calls registry;
    private final Calls router;
    private final DemoOptions options;
    private final PrintStream out;
    private final Colours colours;

    Demo(Calls registry, Calls router, DemoOptions options, PrintStream out) {
        this.registry = registry;
        this.router = router;
        this.options = options;
        this.out = out;
        this.colours = new Colours(options.colour());
    }

    /**
     * What came of it.
     *
     * @param firstAnswerMillis from the command to the first routed answer
     */
    record Outcome(int experts, long ready, int prompts, int answered, long firstAnswerMillis) {
        boolean isComplete() {
            return ready == experts && answered == prompts;
        }

        @Override
        public String toString() {
            return "demo: " + (ready == experts ? "" : ready + " of ") + experts + " experts READY, "
                    + (answered == prompts ? "" : answered + " of ") + prompts + " prompts answered"
                    + (answered == 0 ? "" : ", first routed answer after " + Standalone.seconds(firstAnswerMillis));
        }
    }

    /** Registers, uploads, waits and asks. Throws {@link StandaloneException} when a service refuses or is silent. */
    Outcome run() throws InterruptedException {
        QuickstartFolder quickstart = QuickstartFolder.read(options.quickstartDir());
        registerBase(quickstart);
        long ready = uploadExperts(quickstart);
        int answered = 0;
        long firstAnswerMillis = 0;
        if (ready == quickstart.experts().size()) {
            out.println();
            out.println(colours.bold("Asking, with all experts as the library: Arrow, top 3, temperature 0.5"));
            for (String prompt : quickstart.prompts()) {
                RoutedAnswer answer = ask(prompt, quickstart.experts().size());
                if (firstAnswerMillis == 0) {
                    firstAnswerMillis = System.currentTimeMillis() - options.beganMillis();
                }
                show(prompt, answer);
                answered += answer.text().isBlank() ? 0 : 1;
            }
            legend(quickstart);
        }
        return new Outcome(
                quickstart.experts().size(), ready, quickstart.prompts().size(), answered, firstAnswerMillis);
    }

    private void registerBase(QuickstartFolder quickstart) {
        Answer answer = registry.post("/v1/base-models?name=" + BASE, form(quickstart.baseFiles()));
        requireSuccess("registering the base model", answer);
        out.println();
        out.println(colours.bold("Base model " + BASE) + (answer.status() == 201 ? " registered" : " was there"));
    }

    /** Returns how many of them are READY. */
    private long uploadExperts(QuickstartFolder quickstart) throws InterruptedException {
        out.println(colours.bold("Uploading " + quickstart.experts().size() + " experts"));
        int nameColumns = quickstart.experts().stream()
                .mapToInt(folder -> version(folder, 1).length())
                .max()
                .orElse(0);
        var board = new VersionBoard(out, options.colour(), nameColumns);
        try (EventStream events = EventStream.open(registry, "/v1/events?after=0")) {
            Thread following = new Thread(() -> follow(events, board), "demo-events");
            following.setDaemon(true);
            for (Path folder : quickstart.experts()) {
                MultipartForm form = form(List.of(
                                folder.resolve("adapter_config.json"), folder.resolve("adapter_model.safetensors")))
                        .text("base", BASE)
                        .text("labels", "{\"skill\":\"" + folder.getFileName() + "\"}");
                Answer answer =
                        registry.post("/v1/adapters/" + NAMESPACE + "/" + folder.getFileName() + "/versions", form);
                requireSuccess("uploading " + folder.getFileName(), answer);
                String version = version(folder, answer.body().path("version").asInt(0));
                board.follow(version);
                board.moved(version, answer.body().path("state").asString(""));
                if (!following.isAlive()) {
                    following.start();
                }
            }
            return board.awaitSettled(READY_LIMIT_MILLIS);
        } catch (IOException e) {
            throw new StandaloneException("the registry's events cannot be followed: " + e, e);
        }
    }

    private static void follow(EventStream events, VersionBoard board) {
        try {
            for (Optional<JsonNode> event = events.next(); event.isPresent(); event = events.next()) {
                String state = STATE_AFTER.get(event.get().path("type").asString(""));
                JsonNode data = event.get().path("data");
                if (state != null) {
                    board.moved(
                            data.path("adapter").asString("") + ":"
                                    + data.path("version").asInt(0),
                            state);
                }
            }
        } catch (IOException e) {
            // The stream was closed, or broke: whoever waits for a state that does not come any more says so.
            return;
        }
    }

    /** Asks once the router's catalogue, which follows the registry's by moments, has all experts. */
    private RoutedAnswer ask(String prompt, int experts) throws InterruptedException {
        long deadline = System.nanoTime() + CATALOGUE_LIMIT_MILLIS * 1_000_000;
        while (true) {
            Answer answer = router.post("/v1/chat/completions", request(prompt));
            boolean catalogued = answer.isSuccess()
                    && answer.body().path("routing").path("experts").size() >= experts;
            if (catalogued) {
                return RoutedAnswer.of(answer.body());
            }
            if (!answer.isSuccess() && answer.status() != 404 && answer.status() != 400
                    || System.nanoTime() > deadline) {
                throw new StandaloneException(
                        "asking \"" + prompt + "\" failed: " + answer.status() + " " + answer.body(), null);
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
        request.putObject("routing")
                .put("all", true)
                .put("strategy", "arrow")
                .put("top_k", TOP_K)
                .put("temperature", ROUTING_TEMPERATURE)
                .put("trace", "tokens");
        return request;
    }

    private void show(String prompt, RoutedAnswer answer) {
        out.println();
        out.println("  " + prompt);
        out.println("  → " + answer.marked(colours));
        out.println("    " + colours.dim("shares: ") + answer.shares(colours));
    }

    private void legend(QuickstartFolder quickstart) {
        out.println();
        String how = options.colour()
                ? "  Each token stands in the colour of the expert with the largest share in it: "
                : "  Before each run of tokens stands the expert with the largest share in it: ";
        out.println(how
                + quickstart.experts().stream()
                        .map(folder -> colours.name(String.valueOf(folder.getFileName())))
                        .collect(Collectors.joining("  ")));
    }

    private static String version(Path folder, int number) {
        return NAMESPACE + "/" + folder.getFileName() + ":" + number;
    }

    private static MultipartForm form(Iterable<Path> files) {
        var form = new MultipartForm();
        try {
            for (Path file : files) {
                form.file(file);
            }
        } catch (IOException e) {
            throw new StandaloneException("cannot read the quickstart model: " + e, e);
        }
        return form;
    }

    private static void requireSuccess(String what, Answer answer) {
        if (!answer.isSuccess()) {
            throw new StandaloneException(what + " failed: " + answer.status() + " " + answer.body(), null);
        }
    }
}
