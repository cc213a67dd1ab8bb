package io.quiver.router;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.springframework.util.FileSystemUtils;
import tools.jackson.databind.JsonNode;

/**
 * A router whose base model is calibrated, started once for all test classes that want it: t/e0 to t/e2 have evidence, t/late has
 * none.
 */
final class CalibratedRouter implements BeforeAllCallback {
    static final String THREE = "'experts':['t/e0','t/e1','t/e2']";
    private static final ExtensionContext.Namespace NAMESPACE =
            ExtensionContext.Namespace.create(CalibratedRouter.class);

    private static Started started;

    /** Ends the router when all tests have run. */
    private record Started(RunningRouter router, CalibratedFixture fixture, Path directory) implements AutoCloseable {
        @Override
        public void close() throws Exception {
            router.close();
            FileSystemUtils.deleteRecursively(directory);
        }
    }

    @Override
    public void beforeAll(ExtensionContext context) {
        started =
                context.getRoot().getStore(NAMESPACE).computeIfAbsent(Started.class, unused -> start(), Started.class);
    }

    private static Started start() {
        try {
            Path directory = Files.createTempDirectory("calibrated-router");
            RunningRouter router = new RunningRouter(directory);
            router.createTopics();
            router.catalogueBase();
            CalibratedFixture fixture = new CalibratedFixture(router.base().digest(), 7);
            router.catalogueBase(fixture.store(router));
            for (String expert : List.of("e0", "e1", "e2")) {
                router.catalogue(
                        "t/" + expert,
                        Map.of(),
                        fixture.measured(router, expert, router.storeExpert(expert, 1), Optional.empty()));
            }
            router.catalogue("t/late", Map.of(), router.storeExpert("gated0", 1));
            router.start();
            router.awaitReady();
            return new Started(router, fixture, directory);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static Started started() {
        return Objects.requireNonNull(started, "the extension is not registered");
    }

    static RunningRouter router() {
        return started().router();
    }

    static CalibratedFixture fixture() {
        return started().fixture();
    }

    /** A greedy text completion under a routing. */
    static String greedy(String prompt, String routing) {
        return "{'model':'tiny-llama','prompt':" + prompt + ",'temperature':0,'max_tokens':12,'routing':{" + routing
                + "}}";
    }

    static JsonNode complete(String prompt, String routing) throws Exception {
        return RouterRequests.answer(router(), "/v1/completions", greedy("'" + prompt + "'", routing));
    }

    static JsonNode refused(String routing, int status) throws Exception {
        return RouterRequests.refused(router(), "/v1/completions", greedy("'five year'", routing), status);
    }

    static String text(JsonNode answer) {
        return answer.path("choices").path(0).path("text").asString();
    }

    static JsonNode decision(JsonNode answer) {
        return answer.path("routing").path("decisions").path(0);
    }

    /** The names of those who answered. */
    static List<String> experts(JsonNode answer) {
        return SampleRouter.elements(answer.path("routing").path("experts")).stream()
                .map(expert -> expert.path("name").asString())
                .toList();
    }
}
