package io.quiver.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.quiver.objectstore.ObjectKey;
import io.quiver.router.kafka.UnreadableRecords;
import io.quiver.schemas.Event.CataloguedVersion;
import io.quiver.schemas.StoredFile;
import io.quiver.schemas.Topics;
import io.quiver.schemas.kafka.DeadLetter;
import java.io.ByteArrayInputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What a router serves as the catalogue says it, and what it tells of itself. */
class RouterHttpTest {
    private static final JsonMapper JSON = RouterRequests.JSON;
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final String THREE = "'experts':['t/e0','t/e1','t/e2']";

    @TempDir
    private static Path directory;

    private static RunningRouter router;

    @BeforeAll
    static void start() throws Exception {
        router = new RunningRouter(directory);
        router.createTopics();
        router.catalogueBase();
        CataloguedVersion e0 = router.storeExpert("e0", 1);
        router.catalogue("t/e0", Map.of("champion", 1), e0);
        router.catalogue("t/e1", Map.of(), router.storeExpert("e1", 1));
        router.catalogue("t/e2", Map.of(), router.storeExpert("e2", 1));
        // The expert whose object in the store has been damaged.
        CataloguedVersion damaged = router.storeExpert("e1", 1);
        StoredFile weights = damaged.files().get(1);
        router.catalogue(
                "t/damaged",
                Map.of(),
                new CataloguedVersion(
                        1,
                        Catalogues.digest("damaged"),
                        damaged.state(),
                        damaged.base(),
                        List.of(
                                damaged.files().get(0),
                                new StoredFile(weights.name(), Catalogues.digest("other"), weights.sizeBytes())),
                        damaged.prototypes(),
                        damaged.readyAt()));
        byte[] wrong = new byte[Math.toIntExact(weights.sizeBytes())];
        router.store.put(
                ObjectKey.blob(Catalogues.digest("other").hex()), new ByteArrayInputStream(wrong), wrong.length);
        router.publishRaw("t/broken", "{".getBytes(StandardCharsets.UTF_8));
        router.start();
        await().atMost(Duration.ofSeconds(30))
                .until(() -> get("/actuator/health/readiness").statusCode() == 200);
        router.model();
    }

    @AfterAll
    static void stop() {
        router.close();
    }

    private static HttpResponse<String> get(String path) throws Exception {
        return HTTP.send(HttpRequest.newBuilder(router.url(path)).build(), BodyHandlers.ofString());
    }

    private static JsonNode complete(String json) throws Exception {
        return RouterRequests.answer(router, "/v1/completions", json);
    }

    private static String greedy(String routing) {
        return "{'model':'tiny-llama','prompt':'five year','temperature':0,'max_tokens':24,'routing':{" + routing
                + "}}";
    }

    @Test
    void models_are_the_base_all_experts_at_once_and_each_expert() throws Exception {
        JsonNode list = JSON.readTree(get("/v1/models").body());
        assertThat(StreamSupport.stream(list.path("data").spliterator(), false)
                        .map(card -> card.path("id").asString()))
                .containsExactly("tiny-llama", "quiver", "t/damaged", "t/e0", "t/e1", "t/e2");
        JsonNode card = JSON.readTree(get("/v1/models/t/e0").body());
        assertThat(card.path("object").asString()).isEqualTo("model");
        assertThat(card.path("parent").asString()).isEqualTo("tiny-llama");
        assertThat(card.path("owned_by").asString()).isEqualTo("t");
        assertThat(card.path("max_model_len").asInt()).isEqualTo(512);
        assertThat(get("/v1/models/t%2Fe0").statusCode()).isEqualTo(200);
        HttpResponse<String> unknown = get("/v1/models/t/none");
        assertThat(unknown.statusCode()).isEqualTo(404);
        assertThat(JSON.readTree(unknown.body()).path("error").path("code").asString())
                .isEqualTo("model_not_found");
    }

    @Test
    void experts_are_listed_with_what_selects_them() throws Exception {
        JsonNode list = JSON.readTree(get("/v1/experts").body()).path("data");
        JsonNode e0 = StreamSupport.stream(list.spliterator(), false)
                .filter(expert -> expert.path("name").asString().equals("t/e0"))
                .findFirst()
                .orElseThrow();
        assertThat(e0.path("version").asInt()).isEqualTo(1);
        assertThat(e0.path("labels").path("skill").asString()).isEqualTo("e0");
        assertThat(e0.path("aliases").path(0).asString()).isEqualTo("champion");
        assertThat(e0.path("digest").asString()).startsWith("sha256:");
    }

    @Test
    void a_damaged_expert_fails_its_own_request_only() throws Exception {
        HttpResponse<String> response = RouterRequests.post(
                router,
                "/v1/completions",
                "{'model':'tiny-llama','prompt':'x','routing':{'experts':['t/e0','t/damaged']}}");
        assertThat(response.statusCode()).isEqualTo(503);
        JsonNode error = JSON.readTree(response.body()).path("error");
        assertThat(error.path("code").asString()).isEqualTo("expert_unavailable");
        assertThat(error.path("message").asString()).contains("t/damaged").contains("sha256:");
        complete(greedy(THREE));
    }

    @Test
    void a_damaged_expert_is_left_out_where_it_was_not_named() throws Exception {
        JsonNode routing = complete(greedy("'all':true")).path("routing");
        assertThat(StreamSupport.stream(routing.path("experts").spliterator(), false)
                        .map(expert -> expert.path("name").asString()))
                .contains("t/e0", "t/e1", "t/e2")
                .doesNotContain("t/damaged");
        assertThat(routing.path("left_out")).hasSize(1);
        assertThat(routing.path("left_out").path(0).path("name").asString()).isEqualTo("t/damaged");
        assertThat(routing.path("left_out").path(0).path("reason").asString()).contains("sha256:");
        assertThat(complete(greedy(THREE)).path("routing").has("left_out")).isFalse();
    }

    @Test
    void an_unreadable_record_lies_in_the_dead_letters_with_its_reason() {
        assertThat(router.bean(UnreadableRecords.class).count()).isEqualTo(1);
        try (KafkaConsumer<String, byte[]> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", router.kafka.bootstrapServers()),
                new StringDeserializer(),
                new ByteArrayDeserializer())) {
            TopicPartition partition = new TopicPartition(Topics.DEAD_LETTERS, 0);
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            List<ConsumerRecord<String, byte[]>> letters = new ArrayList<>();
            await().atMost(Duration.ofSeconds(10)).until(() -> {
                consumer.poll(Duration.ofMillis(200)).forEach(letters::add);
                return !letters.isEmpty();
            });
            assertThat(letters.get(0).key()).isEqualTo("t/broken");
            assertThat(new String(
                            letters.get(0)
                                    .headers()
                                    .lastHeader(DeadLetter.REASON)
                                    .value(),
                            StandardCharsets.UTF_8))
                    .isNotBlank();
        }
    }

    @Test
    void a_change_of_the_catalogue_is_followed() throws Exception {
        assertThat(get("/v1/models/t/late").statusCode()).isEqualTo(404);
        router.catalogue("t/late", Map.of(), router.storeExpert("e2", 1));
        await().atMost(Duration.ofSeconds(10))
                .until(() -> get("/v1/models/t/late").statusCode() == 200);
        router.publishRaw("t/late", null);
        await().atMost(Duration.ofSeconds(10))
                .until(() -> get("/v1/models/t/late").statusCode() == 404);
    }

    @Test
    void the_memory_in_use_is_reported() throws Exception {
        complete(greedy(THREE));
        JsonNode memory = JSON.readTree(get("/v1/memory").body()).path("data").path(0);
        assertThat(memory.path("id").asString()).isEqualTo("tiny-llama");
        assertThat(memory.path("cache").path("limit_bytes").asLong()).isEqualTo(1L << 30);
        assertThat(memory.path("experts").path("resident").asInt()).isGreaterThanOrEqualTo(3);
        assertThat(memory.path("experts").path("resident_bytes").asLong())
                .isBetween(1L, memory.path("experts").path("limit_bytes").asLong());
        assertThat(memory.path("texts").path("waiting").asInt()).isZero();
    }

    @Test
    void an_unknown_path_answers_in_the_same_envelope() throws Exception {
        HttpResponse<String> response = get("/v1/nothing");
        assertThat(response.statusCode()).isEqualTo(404);
        assertThat(JSON.readTree(response.body()).path("error").path("code").asString())
                .isEqualTo("not_found");
        assertThat(get("/v1/completions").statusCode()).isEqualTo(405);
    }

    @Test
    void prometheus_finds_the_names_of_other_servers() throws Exception {
        complete(greedy(THREE));
        assertThat(get("/actuator/prometheus").body())
                .contains("vllm_num_requests_running")
                .contains("vllm_generation_tokens_total")
                .contains("vllm_time_to_first_token_seconds");
    }
}
