package io.quiver.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Mixed requests over HTTP, streamed and whole, with many libraries, some of whose clients go away. Few by default;
 * {@code -Dquiver.soak.requests=10000} makes it long, and then a heap of fixed size shows whether memory stays flat:
 * {@code -DargLine="-Xms768m -Xmx768m -XX:+AlwaysPreTouch"}.
 */
class SoakTest {
    private static final Logger LOG = LoggerFactory.getLogger(SoakTest.class);
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final int REQUESTS = Integer.getInteger("quiver.soak.requests", 200);
    private static final int CLIENTS = 8;
    private static final int PAGE_BYTES = 4096;
    /** A leak of 50 KB a request passes this in the long form; the short form mostly sees the heap being touched. */
    private static final long GROWTH_BYTES_MAX = 512L << 20;

    private static final List<String> ROUTINGS = List.of(
            "{\"strategy\":\"base\"}",
            "{\"experts\":[\"t/e0\",\"t/e1\",\"t/e2\"]}",
            "{\"experts\":[\"t/e2\",\"t/e0\"],\"top_k\":1}",
            "{\"experts\":[\"t/e0\",\"t/e1\"],\"strategy\":\"uniform\"}",
            "{\"experts\":[\"t/e1\"],\"strategy\":\"single\"}",
            "{\"experts\":[\"t/e0\",\"t/e2\"],\"combine\":\"factors\",\"top_k\":2}",
            "{\"all\":true,\"trace\":true}");

    @TempDir
    private Path directory;

    private final AtomicInteger answered = new AtomicInteger();
    private final AtomicInteger left = new AtomicInteger();
    private final AtomicInteger full = new AtomicInteger();

    @Test
    void after_many_mixed_requests_and_cancellations_nothing_is_held() throws Exception {
        // Room for few texts: much waits, and prefixes give way.
        try (RunningRouter router = RunningRouter.withExperts(
                directory,
                List.of("e0", "e1", "e2"),
                "--quiver.router.cache-memory=512KB",
                "--quiver.router.prefix-memory=256KB",
                "--quiver.router.running-max=4",
                "--quiver.router.waiting-max=6")) {
            ServedModel model = router.model();
            URI url = router.url("/v1/completions");
            long early = 0;
            for (int tenth = 0; tenth < 10; tenth++) {
                run(url, tenth);
                LOG.info("{} tenths of {} requests: {} bytes resident", tenth + 1, REQUESTS, residentBytes());
                early = tenth == 1 ? residentBytes() : early;
            }
            await().atMost(Duration.ofSeconds(10))
                    .until(() -> model.scheduler().load().running() == 0
                            && model.scheduler().load().waiting() == 0);
            DecodeScheduler.Load load = model.scheduler().load();
            assertThat(load.reservedBytes()).isZero();
            assertThat(load.prefixBytes()).isBetween(1L, 256L << 10);
            assertThat(model.decoder().cacheBytes()).isEqualTo(load.prefixBytes());
            assertThat(model.experts().load().inUse()).isZero();
            assertThat(answered.get() + left.get() + full.get()).isEqualTo(REQUESTS / 10 * 10);
            assertThat(answered.get()).isGreaterThan(REQUESTS / 4);
            assertThat(left.get()).isGreaterThan(REQUESTS / 20);
            assertThat(residentBytes() - early).isLessThan(GROWTH_BYTES_MAX);
            LOG.info("{} answered, {} left, {} refused with 429", answered, left, full);
        }
    }

    private void run(URI url, int tenth) throws Exception {
        ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
        try {
            List<Callable<Void>> requests = new ArrayList<>();
            for (int i = 0; i < REQUESTS / 10; i++) {
                Random random = new Random(1000L * tenth + i);
                requests.add(() -> {
                    request(url, random);
                    return null;
                });
            }
            for (Future<Void> each : clients.invokeAll(requests)) {
                each.get();
            }
        } finally {
            clients.shutdownNow();
        }
    }

    private void request(URI url, Random random) throws IOException, InterruptedException {
        // Texts share beginnings, so that prefixes are found, kept and given up.
        int[] prompt = new Random(random.nextInt(5))
                .ints(5 + random.nextInt(150), 6, 288)
                .toArray();
        int tokens = 1 + random.nextInt(30);
        boolean stream = random.nextBoolean();
        String body = "{\"model\":\"tiny-llama\",\"prompt\":" + JSON.writeValueAsString(prompt) + ",\"max_tokens\":"
                + tokens + ",\"ignore_eos\":true,\"stream\":" + stream + ",\"temperature\":" + random.nextInt(2)
                + ",\"routing\":" + ROUTINGS.get(random.nextInt(ROUTINGS.size())) + "}";
        if (random.nextInt(5) == 0) {
            leave(url, body, random);
            return;
        }
        HttpResponse<String> response = HTTP.send(
                HttpRequest.newBuilder(url)
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(body))
                        .build(),
                BodyHandlers.ofString());
        if (response.statusCode() == 429) {
            assertThat(response.headers().firstValue("Retry-After")).isPresent();
            full.incrementAndGet();
            return;
        }
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        if (stream) {
            assertThat(response.body()).endsWith("data: [DONE]\n\n");
        } else {
            JsonNode answer = JSON.readTree(response.body());
            assertThat(answer.path("usage").path("completion_tokens").asInt()).isEqualTo(tokens);
        }
        answered.incrementAndGet();
    }

    /** Sends a request and closes the socket: at once, or when the first bytes of an answer are there. */
    private void leave(URI url, String body, Random random) throws IOException {
        try (Socket socket = new Socket(url.getHost(), url.getPort())) {
            socket.getOutputStream()
                    .write(("POST " + url.getPath() + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                    + "Content-Length: " + body.length() + "\r\n\r\n" + body)
                            .getBytes(StandardCharsets.US_ASCII));
            socket.setSoLinger(random.nextBoolean(), 0);
            if (random.nextBoolean()) {
                assertThat(socket.getInputStream().read()).isEqualTo('H');
            }
        }
        left.incrementAndGet();
    }

    /** The resident set of this process, Linux only. */
    private static long residentBytes() throws IOException {
        return Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ")[1]) * PAGE_BYTES;
    }
}
