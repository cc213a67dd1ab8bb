package io.quiver.router;

import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.springframework.util.FileSystemUtils;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A router with the fixture model and three experts, started once for all test classes that want it, and how to ask it. In
 * JSON for it, ' stands for ".
 */
final class SampleRouter implements BeforeAllCallback {
    static final JsonMapper JSON = RouterRequests.JSON;
    static final String THREE = "'experts':['t/e0','t/e1','t/e2']";
    private static final ExtensionContext.Namespace NAMESPACE = ExtensionContext.Namespace.create(SampleRouter.class);

    private static RunningRouter running;

    /** Ends the router when all tests have run. */
    private record Started(RunningRouter router, Path directory) implements AutoCloseable {
        @Override
        public void close() throws Exception {
            router.close();
            FileSystemUtils.deleteRecursively(directory);
        }
    }

    @Override
    public void beforeAll(ExtensionContext context) {
        running = context.getRoot()
                .getStore(NAMESPACE)
                .computeIfAbsent(Started.class, unused -> start(), Started.class)
                .router();
    }

    private static Started start() {
        try {
            Path directory = Files.createTempDirectory("sample-router");
            RunningRouter router = RunningRouter.withExperts(directory, List.of("e0", "e1", "e2"));
            return new Started(router, directory);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    static RunningRouter router() {
        return Objects.requireNonNull(running, "the extension is not registered");
    }

    static HttpRequest request(String path, String json) {
        return RouterRequests.request(router(), path, json);
    }

    static HttpResponse<String> post(String path, String json) throws Exception {
        return RouterRequests.post(router(), path, json);
    }

    /** The answer to a request that must succeed. */
    static JsonNode answer(String path, String json) throws Exception {
        return RouterRequests.answer(router(), path, json);
    }

    /** The answer to a text completion by the base model alone. */
    static JsonNode complete(String fields) throws Exception {
        return answer("/v1/completions", "{'model':'tiny-llama'," + fields + "}");
    }

    /** The error of a request that must be refused. */
    static JsonNode refused(String path, String json) throws Exception {
        return RouterRequests.refused(router(), path, json, 400);
    }

    /** The chunks of a stream, which must end as streams end. */
    static List<JsonNode> chunks(String path, String json) throws Exception {
        return RouterRequests.chunks(router(), path, json);
    }

    static JsonNode choice(JsonNode answer, int index) {
        return answer.path("choices").path(index);
    }

    static String text(JsonNode answer) {
        return choice(answer, 0).path("text").asString();
    }

    static List<Integer> tokens(JsonNode answer) {
        return elements(answer.path("routing").path("trace").path("tokens")).stream()
                .map(token -> token.path("token").asInt())
                .toList();
    }

    static List<JsonNode> elements(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false).toList();
    }

    static List<Double> numbers(JsonNode array) {
        return elements(array).stream().map(JsonNode::asDouble).toList();
    }
}
