package io.quiver.client;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** The router over HTTP. All methods throw {@link ServerException}. Thread-safe. */
public final class RouterClient {
    private static final String END = "[DONE]";
    private static final Duration COMPLETION_LIMIT = Duration.ofMinutes(10);

    private final Calls calls;

    public RouterClient(URI server) {
        this.calls = new Calls("router", server);
    }

    /** The answer to a chat completion that is not streamed: its body. */
    public JsonNode chat(JsonNode body) {
        return calls.post("/v1/chat/completions", body, COMPLETION_LIMIT).body();
    }

    /** The answer to a completion that is not streamed: its body. */
    public JsonNode complete(JsonNode body) {
        return calls.post("/v1/completions", body, COMPLETION_LIMIT).body();
    }

    /** What each routing of {@code variants} decides for a prompt, without an answer: the body of the explanation. */
    public JsonNode explain(JsonNode body) {
        return calls.post("/v1/routing:explain", body, COMPLETION_LIMIT).body();
    }

    /**
     * A library that a report is wanted on.
     *
     * @param model a base model, or {@code quiver} for the only one
     * @param library {@link #ALL}, a selector ({@code key=value,…}) or references with commas between
     * @param examples how many of each expert are read; null for the router's own number
     */
    public record RoutabilityQuery(
            String model, String library, @Nullable Integer examples) {
        /** The library of all experts of the base model. */
        public static final String ALL = "all";

        private String pathAndQuery() {
            String selection =
                    library.equals(ALL) ? "all=true" : (isSelector() ? "selector=" : "experts=") + encoded(library);
            return "/v1/routability?model=" + encoded(model) + "&" + selection
                    + (examples == null ? "" : "&examples=" + examples);
        }

        private boolean isSelector() {
            return Arrays.stream(library.split(",")).allMatch(item -> item.contains("="));
        }

        private static String encoded(String text) {
            return URLEncoder.encode(text, StandardCharsets.UTF_8);
        }
    }

    /** What is to be expected of each expert of a library: the body of the report. */
    public JsonNode routability(RoutabilityQuery query) {
        return calls.send(calls.request(query.pathAndQuery())
                        .timeout(COMPLETION_LIMIT)
                        .GET()
                        .build())
                .body();
    }

    /** Every version that can be routed to: the items of the router's list. */
    public JsonNode experts() {
        return calls.get("/v1/experts").body().path("data");
    }

    /**
     * Asks for a chat completion and hands over its chunks as they come.
     *
     * @param body the request, which must ask for a stream
     */
    public void chat(JsonNode body, Consumer<JsonNode> sink) {
        HttpRequest request = calls.request("/v1/chat/completions")
                .header("Content-Type", "application/json")
                .header("Accept", "text/event-stream")
                .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
                .build();
        HttpResponse<InputStream> response = calls.open(request);
        try (ServerSentEvents events = new ServerSentEvents(response.body())) {
            for (Optional<ServerSentEvent> event = events.next(); event.isPresent(); event = events.next()) {
                if (event.get().data().equals(END)) {
                    return;
                }
                JsonNode chunk = calls.json(event.get().data().getBytes(StandardCharsets.UTF_8));
                if (chunk.path("error").isObject()) {
                    throw new RefusedException(
                            500,
                            chunk.path("error").path("code").asString(""),
                            chunk.path("error").path("message").asString("the router gave up"),
                            List.of());
                }
                sink.accept(chunk);
            }
        } catch (IOException e) {
            throw calls.broken(e);
        }
        throw new UnexpectedAnswerException("the router's answer was cut off before its end");
    }
}
