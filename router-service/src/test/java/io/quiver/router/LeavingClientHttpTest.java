package io.quiver.router;

import static io.quiver.router.SampleRouter.THREE;
import static io.quiver.router.SampleRouter.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.MeterRegistry;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collections;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients that do not wait for their answers. */
@ExtendWith(SampleRouter.class)
class LeavingClientHttpTest {
    private static RunningRouter router;

    @BeforeAll
    static void start() {
        router = SampleRouter.router();
    }

    @Test
    void a_client_that_leaves_frees_its_memory() throws Exception {
        double cancelledBefore = cancelled();
        HttpResponse<InputStream> response = HttpClient.newHttpClient()
                .send(
                        request(
                                "/v1/completions",
                                "{'model':'tiny-llama','prompt':'x','max_tokens':500,'stream':true,'routing':{" + THREE
                                        + "}}"),
                        BodyHandlers.ofInputStream());
        try (InputStream in = response.body()) {
            assertThat(in.read()).isEqualTo('d');
            await().pollInterval(Duration.ofMillis(2))
                    .until(() -> router.model().scheduler().load().reservedBytes() > 0);
        }
        await().atMost(Duration.ofSeconds(20)).until(() -> cancelled() > cancelledBefore);
        await().atMost(Duration.ofSeconds(5))
                .until(() -> router.model().scheduler().load().reservedBytes() == 0);
        assertThat(router.model().scheduler().runningCount()).isZero();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_client_that_closes_its_socket_before_its_answer_frees_its_memory(boolean reset) throws Exception {
        double cancelledBefore = cancelled();
        // As many texts as run together, so that it takes a while.
        String prompts = String.join(",", Collections.nCopies(16, "'x'"));
        String body = ("{'model':'tiny-llama','prompt':[" + prompts + "],'max_tokens':500,'ignore_eos':true,'routing':{"
                        + THREE + "}}")
                .replace('\'', '"');
        URI url = router.url("/v1/completions");
        try (Socket socket = new Socket(url.getHost(), url.getPort())) {
            socket.getOutputStream()
                    .write(("POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                    + "Content-Length: " + body.length() + "\r\n\r\n" + body)
                            .getBytes(StandardCharsets.US_ASCII));
            await().pollInterval(Duration.ofMillis(2))
                    .until(() -> router.model().scheduler().load().reservedBytes() > 0);
            if (reset) {
                socket.setSoLinger(true, 0);
            }
        }
        await().atMost(Duration.ofSeconds(10)).until(() -> cancelled() > cancelledBefore);
        await().atMost(Duration.ofSeconds(5))
                .until(() -> router.model().scheduler().load().reservedBytes() == 0);
    }

    @Test
    void a_client_that_sends_its_next_request_ahead_gets_both_answers() throws Exception {
        String body = "{'model':'tiny-llama','prompt':'x','max_tokens':300,'ignore_eos':true}".replace('\'', '"');
        String request = "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                + "Content-Length: " + body.length() + "\r\n\r\n" + body;
        URI url = router.url("/v1/completions");
        try (Socket socket = new Socket(url.getHost(), url.getPort())) {
            socket.getOutputStream().write((request + request).getBytes(StandardCharsets.US_ASCII));
            socket.setSoTimeout(20_000);
            InputStream in = socket.getInputStream();
            StringBuilder answers = new StringBuilder();
            byte[] buffer = new byte[1 << 14];
            while (answers.toString().split("HTTP/1.1 200", -1).length < 3) {
                int count = in.read(buffer);
                assertThat(count).isPositive();
                answers.append(new String(buffer, 0, count, StandardCharsets.UTF_8));
            }
        }
    }

    private static double cancelled() {
        return router
                .bean(MeterRegistry.class)
                .find("vllm.request_success")
                .tag("finished_reason", "cancelled")
                .counters()
                .stream()
                .mapToDouble(counter -> counter.count())
                .sum();
    }
}
