package io.quiver.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.quiver.schemas.AdapterName;
import io.quiver.schemas.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class EventStreamTest {
    private static final RunningRegistry REGISTRY = RunningRegistry.shared();
    private static final RegistryHttp HTTP = REGISTRY.http();
    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static final String BASE = RunningRegistry.unique("stream-base");
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @BeforeAll
    static void register_the_base() {
        HTTP.upload("/v1/base-models?name=" + BASE, TinyModels.base(TinyModels.HIDDEN, 1));
    }

    /** A subscriber that reads on a thread of its own. */
    private static final class Subscriber implements AutoCloseable {
        private final InputStream stream;
        private final StringBuffer text = new StringBuffer();

        Subscriber(String query, String... headers) throws Exception {
            HttpRequest.Builder request = HttpRequest.newBuilder(HTTP.uri("/v1/events" + query));
            if (headers.length > 0) {
                request.headers(headers);
            }
            HttpResponse<InputStream> response = CLIENT.send(request.build(), BodyHandlers.ofInputStream());
            assertThat(response.statusCode()).isEqualTo(200);
            assertThat(response.headers().firstValue("Content-Type").orElse("")).startsWith("text/event-stream");
            stream = response.body();
            Thread reader = new Thread(this::read, "subscriber");
            reader.setDaemon(true);
            reader.start();
        }

        private void read() {
            byte[] buffer = new byte[4096];
            try {
                for (int length = stream.read(buffer); length >= 0; length = stream.read(buffer)) {
                    text.append(new String(buffer, 0, length, StandardCharsets.UTF_8));
                }
            } catch (IOException e) {
                text.append("\n:closed\n");
            }
        }

        List<JsonNode> events() {
            return text.toString()
                    .lines()
                    .filter(line -> line.startsWith("data:"))
                    .map(line -> JsonMapper.shared().readTree(line.substring(5)))
                    .toList();
        }

        List<String> types() {
            return events().stream().map(event -> event.path("type").asString()).toList();
        }

        List<Long> ids() {
            return events().stream().map(event -> event.path("id").asLong()).toList();
        }

        void awaitTypes(String... types) {
            await().atMost(PATIENCE).untilAsserted(() -> assertThat(types()).containsExactly(types));
        }

        @Override
        public void close() throws IOException {
            stream.close();
        }
    }

    private static AdapterName newAdapter() {
        return new AdapterName("stream", RunningRegistry.unique("adapter"));
    }

    private static Digest upload(AdapterName adapter, long seed) {
        RegistryHttp.Answer answer = HTTP.upload(
                "/v1/adapters/" + adapter + "/versions",
                TinyModels.adapter(seed).form(BASE));
        assertThat(answer.status()).as("%s", answer.body()).isEqualTo(201);
        return Digest.parse(answer.body().path("digest").asString());
    }

    private static void start(AdapterName adapter, int version, Digest digest) {
        REGISTRY.bean(RecordOutcome.class).on(WorkerVoice.started(adapter, version, digest));
    }

    @Test
    void a_subscriber_hears_what_happens_from_now_on() throws Exception {
        AdapterName adapter = newAdapter();
        Digest before = upload(adapter, 1);
        try (Subscriber subscriber = new Subscriber("?adapter=" + adapter)) {
            start(adapter, 1, before);
            upload(adapter, 2);
            subscriber.awaitTypes("AdapterComputing", "AdapterUploaded");
            JsonNode event = subscriber.events().get(0);
            assertThat(event.path("subject").asString()).isEqualTo(adapter + "/versions/1");
            assertThat(event.path("data").path("worker").asString()).isEqualTo(WorkerVoice.NAME);
            assertThat(event.path("time").asString()).isNotBlank();
            assertThat(subscriber.text)
                    .contains("event:AdapterComputing")
                    .contains("id:" + event.path("id").asString());
        }
    }

    @Test
    void a_subscriber_that_comes_again_goes_on_behind_its_last_event() throws Exception {
        AdapterName adapter = newAdapter();
        Digest digest = upload(adapter, 3);
        start(adapter, 1, digest);
        upload(adapter, 4);
        long first;
        try (Subscriber all = new Subscriber("?after=0&adapter=" + adapter)) {
            all.awaitTypes("AdapterUploaded", "AdapterComputing", "AdapterUploaded");
            assertThat(all.ids()).isSorted();
            first = all.ids().get(0);
        }
        try (Subscriber again = new Subscriber("?after=0&adapter=" + adapter, "Last-Event-ID", Long.toString(first))) {
            again.awaitTypes("AdapterComputing", "AdapterUploaded");
        }
    }

    @Test
    void only_the_wanted_types_come() throws Exception {
        AdapterName adapter = newAdapter();
        Digest digest = upload(adapter, 5);
        start(adapter, 1, digest);
        try (Subscriber subscriber =
                new Subscriber("?after=0&types=AdapterComputing,AdapterReady&adapter=" + adapter)) {
            subscriber.awaitTypes("AdapterComputing");
        }
        try (Subscriber bases = new Subscriber("?after=0&types=BaseModelRegistered")) {
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(bases.events())
                            .anyMatch(event -> event.path("subject").asString().equals("base/" + BASE)));
            assertThat(bases.types()).containsOnly("BaseModelRegistered");
        }
    }

    @Test
    void a_silent_stream_is_kept_alive_by_heartbeats() throws Exception {
        try (Subscriber subscriber = new Subscriber("?adapter=" + newAdapter())) {
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(subscriber.text.toString().split(":heartbeat", -1).length)
                            .isGreaterThan(3));
        }
    }

    @Test
    void a_long_history_comes_whole_and_in_order() throws Exception {
        AdapterName adapter = newAdapter();
        Digest digest = upload(adapter, 6);
        for (int i = 0; i < 150; i++) {
            start(adapter, 1, digest);
            REGISTRY.bean(RecomputePrototypes.class).recompute(adapter, 1);
        }
        try (Subscriber subscriber = new Subscriber("?after=0&adapter=" + adapter)) {
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(subscriber.ids()).hasSize(301));
            assertThat(subscriber.ids()).isSorted().doesNotHaveDuplicates();
        }
    }

    @Test
    void subscribers_beyond_the_limit_are_told_to_come_later_until_one_leaves() throws Exception {
        List<Subscriber> subscribers = new ArrayList<>();
        try {
            // Seats of subscribers of earlier tests come free when their next heartbeat fails.
            await().atMost(PATIENCE).untilAsserted(() -> {
                while (subscribers.size() < 8) {
                    subscribers.add(new Subscriber("?after=0"));
                }
            });
            RegistryHttp.Answer refused = HTTP.get("/v1/events");
            assertThat(refused.status()).isEqualTo(503);
            assertThat(refused.code()).isEqualTo("subscribers_exhausted");
            subscribers.remove(0).close();
            await().atMost(PATIENCE).untilAsserted(() -> subscribers.add(new Subscriber("?after=0")));
        } finally {
            for (Subscriber subscriber : subscribers) {
                subscriber.close();
            }
        }
    }
}
