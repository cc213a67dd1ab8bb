package io.quiver.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.MeterRegistry;
import io.quiver.objectstore.ObjectKey;
import io.quiver.router.kafka.UnreadableRecords;
import io.quiver.schemas.Event.CataloguedVersion;
import io.quiver.schemas.StoredFile;
import io.quiver.schemas.Topics;
import io.quiver.schemas.kafka.DeadLetter;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class RouterHttpTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();
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

    private static HttpRequest request(String path, String json) {
        URI url = router.url(path);
        return HttpRequest.newBuilder(url)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(json.replace('\'', '"')))
                .build();
    }

    private static HttpResponse<String> post(String path, String json) throws Exception {
        return HTTP.send(request(path, json), BodyHandlers.ofString());
    }

    private static JsonNode complete(String json) throws Exception {
        HttpResponse<String> response = post("/v1/completions", json);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return JSON.readTree(response.body());
    }

    private static String greedy(String routing) {
        return "{'model':'tiny-llama','prompt':'five year','temperature':0,'max_tokens':24,'routing':{" + routing
                + "}}";
    }

    private static String text(JsonNode answer) {
        return answer.path("choices").path(0).path("text").asString();
    }

    private static List<Integer> tokens(JsonNode answer) {
        return StreamSupport.stream(
                        answer.path("routing").path("trace").path("tokens").spliterator(), false)
                .map(token -> token.path("token").asInt())
                .toList();
    }

    private static List<JsonNode> chunks(String stream) {
        List<JsonNode> chunks = new ArrayList<>();
        for (String line : stream.split("\n")) {
            if (line.startsWith("data: ") && !line.equals("data: [DONE]")) {
                chunks.add(JSON.readTree(line.substring("data: ".length())));
            }
        }
        return chunks;
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
    void arrow_over_three_experts_continues_as_peft_does() throws Exception {
        JsonNode golden = JSON.readTree(RunningRouter.resource("e3-top1.json").toFile());
        for (JsonNode prompt : golden.path("prompts")) {
            JsonNode answer = complete("{'model':'tiny-llama','prompt':" + prompt.path("ids")
                    + ",'temperature':0,'max_tokens':48,'routing':{" + THREE + ",'top_k':1,'trace':true}}");
            assertThat(tokens(answer))
                    .isEqualTo(StreamSupport.stream(prompt.path("greedy").spliterator(), false)
                            .map(JsonNode::asInt)
                            .toList());
            assertThat(answer.path("choices").path(0).path("finish_reason").asString())
                    .isEqualTo("length");
            assertThat(answer.path("usage").path("completion_tokens").asInt()).isEqualTo(48);
        }
    }

    @Test
    void the_base_alone_continues_as_transformers_does() throws Exception {
        JsonNode golden = JSON.readTree(
                RunningRouter.resource("models/llama-expected.json").toFile());
        JsonNode prompt = golden.path("prompts").path(1);
        JsonNode answer = complete("{'model':'tiny-llama','prompt':" + prompt.path("ids")
                + ",'temperature':0,'max_tokens':48,'routing':{'trace':true}}");
        assertThat(tokens(answer))
                .isEqualTo(StreamSupport.stream(prompt.path("greedy").spliterator(), false)
                        .map(JsonNode::asInt)
                        .toList());
        assertThat(answer.path("routing").path("strategy").asString()).isEqualTo("base");
        assertThat(answer.path("routing").path("experts")).isEmpty();
    }

    @Test
    void an_answer_says_which_experts_were_used_and_by_how_much() throws Exception {
        JsonNode routing = complete(greedy(THREE + ",'top_k':2,'temperature':0.5,'trace':'modules'"))
                .path("routing");
        assertThat(routing.path("strategy").asString()).isEqualTo("arrow");
        assertThat(routing.path("combine").asString()).isEqualTo("outputs");
        assertThat(routing.path("top_k").asInt()).isEqualTo(2);
        assertThat(routing.path("library_digest").asString()).startsWith("sha256:");
        double sum = 0;
        for (JsonNode expert : routing.path("experts")) {
            sum += expert.path("share").asDouble();
        }
        assertThat(sum).isBetween(0.9999, 1.0001);
        JsonNode tokens = routing.path("trace").path("tokens");
        JsonNode modules = routing.path("trace").path("modules");
        assertThat(tokens).hasSize(24);
        assertThat(modules).hasSize(21);
        assertThat(routing.path("trace").path("prompt_tokens")).hasSizeGreaterThan(5);
        // A token's share is the mean of its coefficients over the modules, and its expert has the largest one.
        for (int t = 0; t < tokens.size(); t++) {
            int largest = 0;
            for (int e = 0; e < 3; e++) {
                double mean = 0;
                for (JsonNode module : modules) {
                    mean += module.path("coefficients").path(t).path(e).asDouble() / modules.size();
                }
                double share = tokens.path(t).path("shares").path(e).asDouble();
                assertThat(share).isBetween(mean - 1e-6, mean + 1e-6);
                largest = share > tokens.path(t).path("shares").path(largest).asDouble() ? e : largest;
            }
            assertThat(tokens.path(t).path("expert").asString()).isEqualTo("t/e" + largest);
        }
    }

    @Test
    void requests_with_different_libraries_at_once_answer_as_each_alone() throws Exception {
        List<String> routings = List.of(
                THREE,
                "'experts':['t/e2','t/e0'],'top_k':1",
                "'experts':['t/e1'],'strategy':'single'",
                THREE + ",'strategy':'uniform'",
                THREE + ",'combine':'factors','top_k':2",
                "'strategy':'base'",
                "'selector':'skill=e2'",
                "'experts':['t/e0@champion','t/e1:1']");
        List<String> alone = new ArrayList<>();
        for (String routing : routings) {
            alone.add(text(complete(greedy(routing))));
        }
        assertThat(alone.stream().distinct().count()).isGreaterThan(4);
        List<CompletableFuture<HttpResponse<String>>> together = new ArrayList<>();
        for (int round = 0; round < 2; round++) {
            routings.forEach(routing ->
                    together.add(HTTP.sendAsync(request("/v1/completions", greedy(routing)), BodyHandlers.ofString())));
        }
        for (int i = 0; i < together.size(); i++) {
            JsonNode answer = JSON.readTree(together.get(i).get().body());
            assertThat(text(answer)).isEqualTo(alone.get(i % routings.size()));
        }
    }

    @Test
    void an_adapter_as_model_is_its_single_expert() throws Exception {
        JsonNode asModel = complete("{'model':'t/e1','prompt':'five year','temperature':0,'max_tokens':24}");
        assertThat(text(asModel)).isEqualTo(text(complete(greedy("'experts':['t/e1'],'strategy':'single'"))));
        assertThat(asModel.path("routing").path("experts").path(0).path("share").asDouble())
                .isEqualTo(1.0);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "404|model_not_found|model|{'model':'nobody','prompt':'x'}",
                "404|model_not_found|model|{'model':'t/e0:7','prompt':'x'}",
                "404|model_not_found|routing.experts|{'model':'tiny-llama','prompt':'x','routing':{'experts':['t/e0','t/no']}}",
                "400|invalid_request|model|{'prompt':'x'}",
                "400|invalid_request|prompt|{'model':'tiny-llama'}",
                "400|invalid_request|prompt|{'model':'tiny-llama','prompt':[1,'a']}",
                "400|invalid_request|prompt|{'model':'tiny-llama','prompt':[99999]}",
                "400|invalid_request|temperature|{'model':'tiny-llama','prompt':'x','temperature':'hot'}",
                "400|invalid_request|temperature|{'model':'tiny-llama','prompt':'x','temperature':-1}",
                "400|invalid_request|top_p|{'model':'tiny-llama','prompt':'x','top_p':0}",
                "400|invalid_request|max_tokens|{'model':'tiny-llama','prompt':'x','max_tokens':0}",
                "400|unsupported_parameter|best_of|{'model':'tiny-llama','prompt':'x','n':2,'best_of':3}",
                "400|unsupported_parameter|suffix|{'model':'tiny-llama','prompt':'x','suffix':'y'}",
                "400|unknown_parameter|colour|{'model':'tiny-llama','prompt':'x','colour':1}",
                "400|unknown_parameter|routing.topk|{'model':'tiny-llama','prompt':'x','routing':{'all':true,'topk':1}}",
                "400|invalid_request|routing.top_k|{'model':'tiny-llama','prompt':'x','routing':{'all':true,'top_k':0}}",
                "400|invalid_request|routing.strategy|{'model':'tiny-llama','prompt':'x','routing':{'strategy':'best'}}",
                "400|invalid_request|routing.trace|{'model':'tiny-llama','prompt':'x','routing':{'trace':'all'}}",
                "400|invalid_request|routing.experts|{'model':'tiny-llama','prompt':'x','routing':{'all':true,'experts':['t/e0']}}",
                "400|library_empty|routing.selector|{'model':'tiny-llama','prompt':'x','routing':{'selector':'skill=no'}}",
                "400|invalid_request||[]",
                "400|invalid_request||{'model'",
            })
    void a_request_that_cannot_be_answered_says_why(int status, String code, String param, String body)
            throws Exception {
        HttpResponse<String> response = post("/v1/completions", body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        JsonNode error = JSON.readTree(response.body()).path("error");
        assertThat(error.path("code").asString()).isEqualTo(code);
        assertThat(error.path("param").asString("")).isEqualTo(param == null ? "" : param);
        assertThat(error.path("type").asString()).isEqualTo("invalid_request_error");
        assertThat(error.path("message").asString()).isNotBlank();
    }

    @Test
    void parameters_that_ask_for_nothing_are_accepted() throws Exception {
        complete("{'model':'tiny-llama','prompt':'x','max_tokens':1,'n':1,'best_of':1,'suffix':'','user':'me',"
                + "'response_format':{'type':'text'},'metadata':{'a':'b'},'seed':null,'use_beam_search':false}");
    }

    @Test
    void a_prompt_longer_than_the_context_is_refused_and_one_token_less_is_answered() throws Exception {
        String fits = "[" + "93,".repeat(510) + "93]";
        JsonNode answer = complete("{'model':'tiny-llama','prompt':" + fits + ",'max_tokens':5,'temperature':0}");
        assertThat(answer.path("usage").path("completion_tokens").asInt()).isEqualTo(1);
        HttpResponse<String> tooLong =
                post("/v1/completions", "{'model':'tiny-llama','prompt':[" + "93,".repeat(511) + "93]}");
        assertThat(tooLong.statusCode()).isEqualTo(400);
        assertThat(JSON.readTree(tooLong.body()).path("error").path("code").asString())
                .isEqualTo("context_length_exceeded");
    }

    @Test
    void several_prompts_are_several_choices_in_their_order() throws Exception {
        JsonNode answer =
                complete("{'model':'t/e0','prompt':['five year','T','of the'],'temperature':0,'max_tokens':8}");
        assertThat(answer.path("choices")).hasSize(3);
        for (int i = 0; i < 3; i++) {
            String prompt = List.of("five year", "T", "of the").get(i);
            JsonNode alone = complete("{'model':'t/e0','prompt':'" + prompt + "','temperature':0,'max_tokens':8}");
            assertThat(answer.path("choices").path(i).path("index").asInt()).isEqualTo(i);
            assertThat(answer.path("choices").path(i).path("text").asString()).isEqualTo(text(alone));
        }
    }

    @Test
    void the_same_seed_gives_the_same_tokens_and_another_seed_others() throws Exception {
        String body = "{'model':'quiver','prompt':'five year','max_tokens':24,'routing':{" + THREE + "},'seed':";
        String one = text(complete(body + "1}"));
        assertThat(text(complete(body + "1}"))).isEqualTo(one);
        assertThat(text(complete(body + "2}"))).isNotEqualTo(one);
    }

    @Test
    void a_chat_streams_its_role_first_its_reason_last_then_usage_and_done() throws Exception {
        String body = "{'model':'tiny-llama','messages':[{'role':'user','content':'Why?'}],'max_tokens':12,"
                + "'temperature':0,'routing':{" + THREE + ",'trace':true}";
        HttpResponse<String> response =
                post("/v1/chat/completions", body + ",'stream':true,'stream_options':{'include_usage':true}}");
        assertThat(response.headers().firstValue("content-type").orElseThrow()).startsWith("text/event-stream");
        assertThat(response.body()).endsWith("data: [DONE]\n\n");
        List<JsonNode> chunks = chunks(response.body());
        assertThat(chunks.get(0)
                        .path("choices")
                        .path(0)
                        .path("delta")
                        .path("role")
                        .asString())
                .isEqualTo("assistant");
        assertThat(chunks.get(0).path("routing").path("experts")).hasSize(3);
        JsonNode usage = chunks.get(chunks.size() - 1);
        assertThat(usage.path("choices")).isEmpty();
        assertThat(usage.path("usage").path("completion_tokens").asInt()).isEqualTo(12);
        JsonNode last = chunks.get(chunks.size() - 2);
        assertThat(last.path("choices").path(0).path("finish_reason").asString())
                .isEqualTo("length");
        assertThat(last.path("routing").path("experts").path(0).has("share")).isTrue();
        StringBuilder streamed = new StringBuilder();
        List<Integer> streamedTokens = new ArrayList<>();
        for (JsonNode chunk : chunks.subList(0, chunks.size() - 1)) {
            streamed.append(
                    chunk.path("choices").path(0).path("delta").path("content").asString(""));
            if (chunk != last) {
                streamedTokens.addAll(tokens(chunk));
            }
        }
        JsonNode whole = JSON.readTree(post("/v1/chat/completions", body + "}").body());
        assertThat(whole.path("object").asString()).isEqualTo("chat.completion");
        assertThat(streamed.toString())
                .isEqualTo(whole.path("choices")
                        .path(0)
                        .path("message")
                        .path("content")
                        .asString());
        assertThat(streamedTokens).isEqualTo(tokens(whole)).isEqualTo(tokens(last));
    }

    @Test
    void a_stop_string_ends_the_text_before_it_streamed_or_not() throws Exception {
        String all = text(complete(greedy("'experts':['t/e1'],'strategy':'single'")));
        String stop = all.substring(6, 9);
        String expected = all.substring(0, all.indexOf(stop));
        String body = "{\"model\":\"t/e1\",\"prompt\":\"five year\",\"temperature\":0,\"max_tokens\":24,\"stop\":"
                + JSON.writeValueAsString(stop);
        JsonNode whole = complete(body + "}");
        assertThat(text(whole)).isEqualTo(expected);
        assertThat(whole.path("choices").path(0).path("finish_reason").asString())
                .isEqualTo("stop");
        StringBuilder streamed = new StringBuilder();
        for (JsonNode chunk :
                chunks(post("/v1/completions", body + ",\"stream\":true}").body())) {
            streamed.append(text(chunk));
        }
        assertThat(streamed.toString()).isEqualTo(expected);
    }

    @Test
    void a_damaged_expert_fails_its_own_request_only() throws Exception {
        HttpResponse<String> response = post(
                "/v1/completions", "{'model':'tiny-llama','prompt':'x','routing':{'experts':['t/e0','t/damaged']}}");
        assertThat(response.statusCode()).isEqualTo(503);
        JsonNode error = JSON.readTree(response.body()).path("error");
        assertThat(error.path("code").asString()).isEqualTo("expert_unavailable");
        assertThat(error.path("message").asString()).contains("t/damaged").contains("sha256:");
        complete(greedy(THREE));
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
    void a_client_that_leaves_frees_its_memory() throws Exception {
        double cancelledBefore = cancelled();
        HttpResponse<InputStream> response = HTTP.send(
                request(
                        "/v1/completions",
                        "{'model':'tiny-llama','prompt':'x','max_tokens':500,'stream':true,'routing':{" + THREE + "}}"),
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
