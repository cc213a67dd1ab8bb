package io.quiver.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CatalogueReplayTest {
    /** Whether the decoder was built with the kernels, whose weights are the ones that are kept. */
    private static final boolean KERNELS =
            CatalogueReplayTest.class.getResource("/io/quiver/decoder/native/libquiver-kernels.so") != null;

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private static int readiness(RunningRouter router) throws Exception {
        HttpRequest request =
                HttpRequest.newBuilder(router.url("/actuator/health/readiness")).build();
        return HTTP.send(request, BodyHandlers.discarding()).statusCode();
    }

    private static HttpResponse<String> complete(RunningRouter router) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(router.url("/v1/completions"))
                .POST(BodyPublishers.ofString(
                        "{\"model\":\"t/e0\",\"prompt\":\"five year\",\"temperature\":0,\"max_tokens\":8}"))
                .build();
        return HTTP.send(request, BodyHandlers.ofString());
    }

    @Test
    void a_router_is_ready_once_it_has_read_the_catalogue_and_again_after_a_restart(@TempDir Path directory)
            throws Exception {
        try (RunningRouter router = new RunningRouter(directory)) {
            router.start();
            assertThat(readiness(router)).isEqualTo(503);
            HttpResponse<String> early = complete(router);
            assertThat(early.statusCode()).isEqualTo(503);
            assertThat(early.body()).contains("catalogue_loading");
            assertThat(early.headers().firstValue("Retry-After")).isPresent();

            router.createTopics();
            await().atMost(PATIENCE).until(() -> readiness(router) == 200);
            router.catalogueBase();
            router.catalogue("t/e0", Map.of(), router.storeExpert("e0", 1));
            await().atMost(PATIENCE).until(() -> complete(router).statusCode() == 200);
            String answer = text(complete(router));
            Map<Path, FileTime> kept = keptWeights(directory);

            router.stopRouter();
            router.start();
            await().atMost(PATIENCE).until(() -> readiness(router) == 200);
            // Ready means that nothing of the catalogue is missing: the first request is answered.
            HttpResponse<String> first = complete(router);
            assertThat(first.statusCode()).as(first.body()).isEqualTo(200);
            assertThat(text(first)).isEqualTo(answer);
            // What the first start packed, the second one used as it was.
            assertThat(kept).hasSize(KERNELS ? 1 : 0);
            assertThat(keptWeights(directory)).isEqualTo(kept);
        }
    }

    /** Files of packed weights, with the times at which they were written. */
    private static Map<Path, FileTime> keptWeights(Path directory) throws IOException {
        Map<Path, FileTime> times = new HashMap<>();
        try (Stream<Path> paths = Files.walk(directory.resolve("cache"))) {
            for (Path file :
                    paths.filter(path -> path.toString().endsWith(".weights")).toList()) {
                times.put(file, Files.getLastModifiedTime(file));
            }
        }
        return times;
    }

    private static String text(HttpResponse<String> response) {
        String body = response.body();
        return body.substring(body.indexOf("\"choices\""), body.indexOf("\"usage\""));
    }
}
