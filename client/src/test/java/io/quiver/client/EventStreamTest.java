package io.quiver.client;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EventStreamTest {
    private static final Duration SILENCE_MAX = Duration.ofMillis(500);

    private final List<String> asked = Collections.synchronizedList(new ArrayList<>());
    private final CountDownLatch ended = new CountDownLatch(1);
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private HttpServer server;

    /** What a connection brings; it then stays open until the test ends. */
    private interface Feed {
        void send(HttpExchange exchange) throws IOException, InterruptedException;
    }

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.start();
    }

    @AfterEach
    void stop() {
        ended.countDown();
        server.stop(0);
        threads.shutdownNow();
    }

    @Test
    void a_registry_that_falls_silent_is_asked_again_after_the_last_event() {
        serve(exchange -> write(exchange, event(asked.size())));
        List<String> told = new ArrayList<>();
        List<String> ids = new ArrayList<>();

        stream()
                .follow(
                        event -> {
                            ids.add(event.id());
                            return ids.size() < 2;
                        },
                        new Reconnecting(3, told::add));

        assertThat(ids).containsExactly("1", "2");
        assertThat(asked).containsExactly("/v1/events?after=0", "/v1/events?after=1");
        assertThat(told).hasSize(1);
    }

    @Test
    void heartbeats_keep_a_connection_although_no_event_comes() {
        serve(exchange -> {
            for (int i = 0; i < 8; i++) {
                write(exchange, ": heartbeat\n\n");
                assertThat(ended.await(SILENCE_MAX.toMillis() / 5, TimeUnit.MILLISECONDS))
                        .isFalse();
            }
            write(exchange, event(1));
        });
        List<String> told = new ArrayList<>();

        stream().follow(event -> false, new Reconnecting(3, told::add));

        assertThat(told).isEmpty();
        assertThat(asked).hasSize(1);
    }

    @Test
    void a_stream_that_is_closed_by_another_thread_ends_without_connecting_again() throws Exception {
        serve(exchange -> write(exchange, event(1)));
        EventStream stream = new EventStream(calls(), after -> "/v1/events", "", Duration.ofMinutes(1));
        CountDownLatch heard = new CountDownLatch(1);
        var following = threads.submit(() -> stream.follow(
                event -> {
                    heard.countDown();
                    return true;
                },
                new Reconnecting(3, line -> {})));

        assertThat(heard.await(10, TimeUnit.SECONDS)).isTrue();
        stream.close();

        following.get(10, TimeUnit.SECONDS);
        assertThat(asked).hasSize(1);
    }

    private void serve(Feed feed) {
        server.createContext("/", exchange -> {
            asked.add(exchange.getRequestURI().toString());
            exchange.getResponseHeaders().add("Content-Type", "text/event-stream");
            exchange.sendResponseHeaders(200, 0);
            try {
                feed.send(exchange);
                ended.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private static void write(HttpExchange exchange, String text) throws IOException {
        exchange.getResponseBody().write(text.getBytes(StandardCharsets.UTF_8));
        exchange.getResponseBody().flush();
    }

    private static String event(int id) {
        return "id: " + id + "\nevent: AdapterReady\ndata: {\"type\":\"AdapterReady\",\"data\":{}}\n\n";
    }

    private EventStream stream() {
        return new EventStream(calls(), after -> "/v1/events?after=" + after, "0", SILENCE_MAX);
    }

    private Calls calls() {
        return new Calls(
                "registry", URI.create("http://127.0.0.1:" + server.getAddress().getPort()));
    }
}
