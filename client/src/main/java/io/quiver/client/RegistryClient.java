package io.quiver.client;

import io.quiver.schemas.AdapterName;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The registry over HTTP. All methods throw {@link ServerException}. Thread-safe. */
public final class RegistryClient {
    private static final int PAGE_ITEMS = 100;

    private final Calls calls;

    public RegistryClient(URI server) {
        this.calls = new Calls("registry", server);
    }

    /**
     * What an upload led to.
     *
     * @param created false if the registry already had this content
     * @param body the base model or the version as it stands
     */
    public record Uploaded(boolean created, JsonNode body) {}

    /** The body of an upload, so that its size is known before it goes out. */
    public MultipartBody multipart() {
        return new MultipartBody("quiver-" + UUID.randomUUID());
    }

    /** The multipart body of a base model or an adapter folder. */
    public MultipartBody multipart(List<Path> files) throws IOException {
        MultipartBody body = multipart();
        for (Path file : files) {
            body.file(file);
        }
        return body;
    }

    public Uploaded addBaseModel(String name, MultipartBody body, LongConsumer sent) {
        return upload("/v1/base-models?name=" + encoded(name), body, sent);
    }

    public void baseModels(Consumer<JsonNode> sink) {
        pages("/v1/base-models", "", sink);
    }

    /** A base model with its calibration as it stands. */
    public JsonNode baseModel(String name) {
        return calls.get("/v1/base-models/" + encoded(name)).body();
    }

    /**
     * Asks for another calibration of a base model; returns it as it stands then.
     *
     * @param seed not negative; the same one gives the same calibration
     */
    public JsonNode calibrate(String name, long seed) {
        return calibrate(name, OptionalLong.of(seed), false);
    }

    /**
     * The same.
     *
     * @param seed empty for the registry's own
     * @param supersede whether to ask though one is under way
     */
    public JsonNode calibrate(String name, OptionalLong seed, boolean supersede) {
        ObjectNode wish = Calls.JSON.createObjectNode().put("supersede", supersede);
        seed.ifPresent(number -> wish.put("seed", number));
        return calls.send(calls.request("/v1/base-models/" + encoded(name) + "/calibrations")
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(wish.toString()))
                        .build())
                .body();
    }

    /**
     * @param body the two files, and where wanted {@code examples.jsonl} and the text parts {@code base} and {@code labels}
     */
    public Uploaded addVersion(AdapterName adapter, MultipartBody body, LongConsumer sent) {
        return upload("/v1/adapters/" + adapter + "/versions", body, sent);
    }

    /** The text of the {@code labels} part. */
    public static String labelsJson(Map<String, String> labels) {
        return Calls.JSON.writeValueAsString(labels);
    }

    /** All adapters that a selector leaves. */
    public void adapters(Optional<String> selector, Consumer<JsonNode> sink) {
        pages("/v1/adapters", selector.map(text -> "&selector=" + encoded(text)).orElse(""), sink);
    }

    public JsonNode adapter(AdapterName adapter) {
        return calls.get("/v1/adapters/" + adapter).body();
    }

    /** All versions of an adapter, newest first. */
    public void versions(AdapterName adapter, Consumer<JsonNode> sink) {
        pages("/v1/adapters/" + adapter + "/versions", "", sink);
    }

    /** @param version a number or {@code latest} */
    public JsonNode version(AdapterName adapter, String version) {
        return calls.get("/v1/adapters/" + adapter + "/versions/" + encoded(version))
                .body();
    }

    /** @param version a number or {@code latest} */
    public JsonNode prototypes(AdapterName adapter, String version) {
        return calls.get("/v1/adapters/" + adapter + "/versions/" + encoded(version) + "/prototypes")
                .body();
    }

    /**
     * Which lifecycle events are wanted.
     *
     * @param types short names; empty means all
     * @param afterId where the stream begins; empty means with what happens from here on
     */
    public record EventQuery(List<String> types, Optional<AdapterName> adapter, String afterId) {
        public EventQuery {
            types = List.copyOf(types);
        }

        /** Events that came after an id, 0 for all that there are. */
        public static EventQuery after(long id, List<String> types, Optional<AdapterName> adapter) {
            return new EventQuery(types, adapter, Long.toString(id));
        }

        private String pathAndQuery(String lastId) {
            StringBuilder query = new StringBuilder();
            if (!lastId.isEmpty()) {
                query.append("&after=").append(encoded(lastId));
            }
            if (!types.isEmpty()) {
                query.append("&types=").append(encoded(String.join(",", types)));
            }
            adapter.ifPresent(name -> query.append("&adapter=").append(encoded(name.toString())));
            return "/v1/events" + (query.length() == 0 ? "" : "?" + query.substring(1));
        }
    }

    /** Lifecycle events; nothing is asked for until they are followed. */
    public EventStream events(EventQuery query) {
        return new EventStream(calls, query::pathAndQuery, query.afterId(), EventStream.SILENCE_MAX);
    }

    /** Follows lifecycle events until {@code sink} has enough, as {@link EventStream#follow} does. */
    public void follow(EventQuery query, Predicate<LifecycleEvent> sink, Reconnecting reconnecting) {
        try (EventStream events = events(query)) {
            events.follow(sink, reconnecting);
        }
    }

    private Uploaded upload(String path, MultipartBody body, LongConsumer sent) {
        Calls.Answer answer = calls.send(calls.request(path)
                .header("Content-Type", body.contentType())
                .POST(body.publisher(sent))
                .build());
        return new Uploaded(answer.status() == 201, answer.body());
    }

    /** All items of a list, page by page. */
    private void pages(String path, String query, Consumer<JsonNode> sink) {
        String cursor = "";
        do {
            String from = cursor.isEmpty() ? "" : "&cursor=" + encoded(cursor);
            JsonNode page =
                    calls.get(path + "?limit=" + PAGE_ITEMS + query + from).body();
            if (!page.path("items").isArray()) {
                throw new UnexpectedAnswerException("the registry's list " + path + " has no items");
            }
            page.path("items").forEach(sink);
            cursor = page.path("nextCursor").asString("");
        } while (!cursor.isEmpty());
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
