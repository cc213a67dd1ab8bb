package io.quiver.router;

import static io.quiver.router.SampleRouter.JSON;
import static io.quiver.router.SampleRouter.THREE;
import static io.quiver.router.SampleRouter.answer;
import static io.quiver.router.SampleRouter.chunks;
import static io.quiver.router.SampleRouter.post;
import static io.quiver.router.SampleRouter.request;
import static io.quiver.router.SampleRouter.text;
import static io.quiver.router.SampleRouter.tokens;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;

/** What a router answers: the tokens of the reference programs, alone or beside others, whole or streamed. */
@ExtendWith(SampleRouter.class)
class CompletionHttpTest {
    private static JsonNode complete(String json) throws Exception {
        return answer("/v1/completions", json);
    }

    private static String greedy(String routing) {
        return "{'model':'tiny-llama','prompt':'five year','temperature':0,'max_tokens':24,'routing':{" + routing
                + "}}";
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
            routings.forEach(routing -> together.add(HttpClient.newHttpClient()
                    .sendAsync(request("/v1/completions", greedy(routing)), BodyHandlers.ofString())));
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
        List<JsonNode> chunks =
                chunks("/v1/chat/completions", body + ",'stream':true,'stream_options':{'include_usage':true}}");
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
        for (JsonNode chunk : chunks("/v1/completions", body + ",\"stream\":true}")) {
            streamed.append(text(chunk));
        }
        assertThat(streamed.toString()).isEqualTo(expected);
    }
}
