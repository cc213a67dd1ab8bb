package io.quiver.cli;

import io.quiver.client.RouterClient;
import io.quiver.terminal.Terminal;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Asks the router and shows the answer as it comes, each token in the colour of its expert. */
@Command(
        name = "ask",
        description =
                "Ask a question; the answer streams in, each token in the colour of the expert that had most say.",
        footer = {
            "",
            "Examples:",
            "  quiver ask \"What is 3 plus 4?\"                       # all experts of the only base model",
            "  quiver ask --library team/sql,team/poems \"…\" --trace # these two",
            "  quiver ask --library skill=sql --top-k 2 \"…\"         # by label",
            "  quiver ask --strategy base \"…\"                       # the base model alone",
            "  quiver ask --explain \"…\"                             # which words speak for which expert",
            "  quiver ask --model team/sql:3 \"…\"                    # one adapter"
        })
final class Ask implements Callable<Integer> {
    /** The model name by which the router takes its only base model, and all of its experts unless a library is given. */
    static final String ALL_EXPERTS = "quiver";

    private static final JsonMapper JSON = JsonMapper.builder().build();

    @Mixin
    private Servers servers = new Servers();

    @Parameters(arity = "1..*", paramLabel = "QUESTION", description = "what to ask; several words are joined")
    private List<String> question = List.of();

    @Option(
            names = "--library",
            paramLabel = "NS/A,NS/B|KEY=VALUE|all",
            description = "the experts: references, a label selector, or all (default)")
    private @Nullable String library;

    @Option(
            names = "--model",
            paramLabel = "M",
            description = "a base model, or an adapter reference; default: the only base model")
    private @Nullable String model;

    @Option(
            names = "--strategy",
            paramLabel = "S",
            description = "arrow, spectr, lag, uniform, single, base, or a merge such as ties; default: the router's")
    private @Nullable String strategy;

    @Option(names = "--combine", paramLabel = "C", description = "outputs or factors; default: the router's")
    private @Nullable String combine;

    @Option(names = "--top-k", paramLabel = "K", description = "experts that may speak at each layer and token")
    private @Nullable Integer topK;

    @Option(names = "--temperature", paramLabel = "T", description = "of the routing: lower is sharper")
    private @Nullable Double temperature;

    @Option(names = "--sampling-temperature", paramLabel = "T", description = "of the words; default 0: the likeliest")
    private double samplingTemperature;

    @Option(names = "--max-tokens", paramLabel = "N", description = "length of the answer at most; default 128")
    private int maxTokens = 128;

    @Option(names = "--seed", paramLabel = "N", description = "makes sampling repeatable")
    private @Nullable Long seed;

    @Option(names = "--system", paramLabel = "TEXT", description = "a system message before the question")
    private @Nullable String system;

    @Option(names = "--trace", description = "show each token with the shares of the experts")
    private boolean trace;

    @Option(names = "--explain", description = "first draw which words of the question speak for which expert")
    private boolean explain;

    private final Surroundings surroundings;

    Ask(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() {
        RouterClient router = servers.router(surroundings.environment());
        if (explain) {
            Terminal aside = surroundings.terminal().aside();
            new HeatMap(aside).draw(Explanation.of(router.explain(explanation())));
            aside.out().println();
        }
        Answer answer = new Answer(surroundings.terminal(), trace);
        router.chat(request(), answer);
        answer.end();
        return ExitStatus.DONE;
    }

    private ObjectNode conversation() {
        ObjectNode body = JSON.createObjectNode();
        body.put("model", model == null ? ALL_EXPERTS : model);
        ArrayNode messages = body.putArray("messages");
        if (system != null) {
            messages.addObject().put("role", "system").put("content", system);
        }
        messages.addObject().put("role", "user").put("content", String.join(" ", question));
        return body;
    }

    private ObjectNode explanation() {
        ObjectNode body = conversation();
        addRouting(body.putArray("variants").addObject());
        return body;
    }

    private ObjectNode request() {
        ObjectNode body = conversation();
        body.put("max_tokens", maxTokens);
        body.put("temperature", samplingTemperature);
        if (seed != null) {
            body.put("seed", seed.longValue());
        }
        body.put("stream", true);
        ObjectNode routing = body.putObject("routing");
        addRouting(routing);
        routing.put("trace", "tokens");
        return body;
    }

    private void addRouting(ObjectNode routing) {
        if (library != null) {
            addLibrary(routing, library);
        }
        if (strategy != null) {
            routing.put("strategy", strategy);
        }
        if (combine != null) {
            routing.put("combine", combine);
        }
        if (topK != null) {
            routing.put("top_k", topK.intValue());
        }
        if (temperature != null) {
            routing.put("temperature", temperature.doubleValue());
        }
    }

    /** {@code all}, a selector if every item has a {@code =}, else references. */
    static void addLibrary(ObjectNode routing, String library) {
        List<String> items = List.of(library.split(","));
        if (library.equals("all")) {
            routing.put("all", true);
        } else if (items.stream().allMatch(item -> item.contains("="))) {
            routing.put("selector", library);
        } else {
            ArrayNode experts = routing.putArray("experts");
            items.stream().map(String::strip).filter(item -> !item.isEmpty()).forEach(experts::add);
        }
    }
}
