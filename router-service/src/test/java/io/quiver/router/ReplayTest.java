package io.quiver.router;

import static io.quiver.router.SampleRouter.THREE;
import static io.quiver.router.SampleRouter.answer;
import static io.quiver.router.SampleRouter.choice;
import static io.quiver.router.SampleRouter.chunks;
import static io.quiver.router.SampleRouter.elements;
import static io.quiver.router.SampleRouter.numbers;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

@ExtendWith(SampleRouter.class)
class ReplayTest {
    private static final String FIELDS = "'prompt':'five year','max_tokens':32,'temperature':1.2,'logprobs':3,'n':2";

    /** The request again, with what its answer says in place of its own fields. */
    private static String replayed(String request, JsonNode replay) {
        ObjectNode again = (ObjectNode) SampleRouter.JSON.readTree(request.replace('\'', '"'));
        again.set("seed", replay.path("seed"));
        again.set("model", replay.path("model"));
        again.set("routing", replay.path("routing"));
        return again.toString();
    }

    private static JsonNode completed(String request) throws Exception {
        return answer("/v1/completions", request);
    }

    /**
     * The same tokens with the same log-probabilities, up to rounding: a prompt that is read in other pieces, because its
     * beginning was read before or others were read beside it, is summed up in another order.
     */
    private static void assertSameTokens(JsonNode actual, JsonNode expected, String how) {
        for (int i = 0; i < expected.path("choices").size(); i++) {
            JsonNode ofActual = choice(actual, i).path("logprobs");
            JsonNode ofExpected = choice(expected, i).path("logprobs");
            assertThat(texts(ofActual)).as(how).isEqualTo(texts(ofExpected));
            List<Double> logprobs = numbers(ofExpected.path("token_logprobs"));
            for (int t = 0; t < logprobs.size(); t++) {
                assertThat(ofActual.path("token_logprobs").path(t).asDouble())
                        .as(how)
                        .isCloseTo(logprobs.get(t), within(1e-4));
            }
        }
    }

    private static List<String> texts(JsonNode logprobs) {
        return elements(logprobs.path("tokens")).stream()
                .map(JsonNode::asString)
                .toList();
    }

    @Test
    void a_replay_gives_the_same_tokens_after_a_newer_version_was_published() throws Exception {
        RunningRouter router = SampleRouter.router();
        router.catalogue("t/moving", Map.of("best", 1), router.storeExpert("e1", 1));
        String request = "{'model':'tiny-llama'," + FIELDS
                + ",'routing':{'experts':['t/e0','t/moving@best'],'top_k':1,'temperature':0.5}}";
        await().atMost(Duration.ofSeconds(10))
                .until(() -> SampleRouter.post("/v1/completions", request).statusCode() == 200);
        JsonNode before = completed(request);

        router.catalogue("t/moving", Map.of("best", 2), router.storeExpert("e1", 1), router.storeExpert("e2", 2));
        await().atMost(Duration.ofSeconds(10))
                .until(() -> completed(request)
                                .path("routing")
                                .path("experts")
                                .path(1)
                                .path("version")
                                .asInt()
                        == 2);
        JsonNode again = completed(replayed(request, before.path("replay")));
        assertSameTokens(again, before, "replayed");
        assertThat(again.path("replay")).isEqualTo(before.path("replay"));
        assertThat(again.path("routing").path("library_digest"))
                .isEqualTo(before.path("routing").path("library_digest"));

        // The name has moved on: the same seed with the name gives other tokens.
        ObjectNode named = (ObjectNode) SampleRouter.JSON.readTree(request.replace('\'', '"'));
        named.set("seed", before.path("replay").path("seed"));
        JsonNode moved = completed(named.toString());
        assertThat(elements(moved.path("choices")))
                .noneMatch(choice -> choice.path("text")
                        .equals(choice(before, choice.path("index").asInt()).path("text")));
        router.publishRaw("t/moving", null);
        await().atMost(Duration.ofSeconds(10))
                .until(() -> SampleRouter.post("/v1/completions", request).statusCode() == 404);
    }

    @Test
    void whatever_a_request_leaves_to_defaults_stands_in_its_replay() throws Exception {
        for (String how : List.of(
                "'model':'tiny-llama'",
                "'model':'t/e1'",
                "'model':'quiver'",
                "'model':'tiny-llama','routing':{'selector':'skill=e2'}",
                "'model':'tiny-llama','routing':{" + THREE + ",'strategy':'uniform'}",
                "'model':'tiny-llama','routing':{" + THREE + ",'combine':'factors','top_k':2}")) {
            String request = "{" + FIELDS + "," + how + "}";
            JsonNode first = completed(request);
            JsonNode again = completed(replayed(request, first.path("replay")));
            assertSameTokens(again, first, how);
            assertThat(again.path("replay")).as(how).isEqualTo(first.path("replay"));
        }
    }

    @Test
    void a_seed_that_was_not_given_is_reported_and_differs_from_request_to_request() throws Exception {
        String request = "{'model':'tiny-llama'," + FIELDS + "}";
        assertThat(completed(request).path("replay").path("seed").asLong())
                .isNotEqualTo(completed(request).path("replay").path("seed").asLong());
        assertThat(completed("{'model':'tiny-llama'," + FIELDS + ",'seed':-3}")
                        .path("replay")
                        .path("seed")
                        .asLong())
                .isEqualTo(-3);
        List<JsonNode> chunks = chunks("/v1/completions", "{'model':'tiny-llama'," + FIELDS + ",'stream':true}");
        assertThat(chunks.get(chunks.size() - 1).path("replay").path("seed").isIntegralNumber())
                .isTrue();
    }

    @Test
    void a_replay_among_other_requests_gives_the_same_tokens() throws Exception {
        String request =
                "{'model':'tiny-llama','prompt':'five year','max_tokens':48,'temperature':1,'seed':11,'logprobs':0,"
                        + "'routing':{" + THREE + ",'top_k':2}}";
        JsonNode alone = completed(request);
        List<CompletableFuture<HttpResponse<String>>> together = new ArrayList<>();
        HttpClient http = HttpClient.newHttpClient();
        for (int i = 0; i < 8; i++) {
            String other = "{'model':'t/e" + i % 3 + "','prompt':'of the " + i + "','max_tokens':" + (8 + 6 * i)
                    + ",'seed':" + i + "}";
            together.add(http.sendAsync(SampleRouter.request("/v1/completions", other), BodyHandlers.ofString()));
            together.add(http.sendAsync(SampleRouter.request("/v1/completions", request), BodyHandlers.ofString()));
        }
        for (int i = 0; i < together.size(); i++) {
            HttpResponse<String> response = together.get(i).get();
            assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
            if (i % 2 == 1) {
                JsonNode among = SampleRouter.JSON.readTree(response.body());
                assertSameTokens(among, alone, "among others");
            }
        }
    }
}
