package io.quiver.router;

import static io.quiver.router.SampleRouter.answer;
import static io.quiver.router.SampleRouter.choice;
import static io.quiver.router.SampleRouter.chunks;
import static io.quiver.router.SampleRouter.complete;
import static io.quiver.router.SampleRouter.elements;
import static io.quiver.router.SampleRouter.numbers;
import static io.quiver.router.SampleRouter.refused;
import static io.quiver.router.SampleRouter.text;
import static io.quiver.router.SampleRouter.tokens;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;

@ExtendWith(SampleRouter.class)
class LogprobsHttpTest {
    private static final String CHAT = "{'model':'tiny-llama','messages':[{'role':'user','content':'Why?'}],"
            + "'max_tokens':12,'temperature':0,'logprobs':true,'top_logprobs':20";

    private static JsonNode logprobs(JsonNode answer) {
        return choice(answer, 0).path("logprobs");
    }

    @Test
    void a_chat_lists_each_token_with_its_bytes_and_the_likeliest_ones() throws Exception {
        JsonNode answer = answer("/v1/chat/completions", CHAT + "}");
        JsonNode content = logprobs(answer).path("content");
        assertThat(content)
                .hasSize(answer.path("usage").path("completion_tokens").asInt());
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (JsonNode token : content) {
            JsonNode top = token.path("top_logprobs");
            assertThat(top).hasSize(20);
            // Greedy: the token is the likeliest one.
            assertThat(top.path(0).path("logprob").asDouble())
                    .isEqualTo(token.path("logprob").asDouble());
            List<Double> logprobs = elements(top).stream()
                    .map(candidate -> candidate.path("logprob").asDouble())
                    .toList();
            assertThat(logprobs).isSortedAccordingTo((a, b) -> Double.compare(b, a));
            assertThat(logprobs.stream().mapToDouble(Math::exp).sum()).isBetween(0.0, 1 + 1e-9);
            token.path("bytes").forEach(b -> bytes.write(b.asInt()));
        }
        assertThat(bytes.toString(StandardCharsets.UTF_8))
                .isEqualTo(choice(answer, 0).path("message").path("content").asString());
        assertThat(logprobs(answer).path("refusal").isNull()).isTrue();
    }

    @Test
    void a_stream_brings_the_same_log_probabilities_as_a_whole_answer() throws Exception {
        List<JsonNode> streamed = new ArrayList<>();
        for (JsonNode chunk : chunks("/v1/chat/completions", CHAT + ",'stream':true}")) {
            streamed.addAll(elements(logprobs(chunk).path("content")));
        }
        JsonNode whole = answer("/v1/chat/completions", CHAT + "}");
        assertThat(streamed).isEqualTo(elements(logprobs(whole).path("content")));
    }

    @Test
    void without_being_asked_for_there_are_none_and_top_needs_them() throws Exception {
        assertThat(logprobs(complete("'prompt':'x','max_tokens':2")).isNull()).isTrue();
        JsonNode content = logprobs(
                        answer(
                                "/v1/chat/completions",
                                "{'model':'tiny-llama','messages':[{'role':'user','content':'x'}],'max_tokens':2,'logprobs':true}"))
                .path("content");
        assertThat(content.path(0).path("top_logprobs")).isEmpty();
        assertThat(refused("/v1/chat/completions", CHAT.replace("'logprobs':true,", "") + "}")
                        .path("param")
                        .asString())
                .isEqualTo("top_logprobs");
        assertThat(refused("/v1/chat/completions", CHAT.replace(":20", ":21") + "}")
                        .path("param")
                        .asString())
                .isEqualTo("top_logprobs");
        assertThat(refused("/v1/completions", "{'model':'tiny-llama','prompt':'x','logprobs':6}")
                        .path("param")
                        .asString())
                .isEqualTo("logprobs");
    }

    @Test
    void a_text_completion_has_four_lists_with_the_drawn_token_among_the_alternatives() throws Exception {
        JsonNode answer = complete("'prompt':'five year','max_tokens':40,'temperature':1.5,'logprobs':2,'seed':5");
        JsonNode logprobs = logprobs(answer);
        String text = text(answer);
        int count = answer.path("usage").path("completion_tokens").asInt();
        for (String list : List.of("tokens", "token_logprobs", "top_logprobs", "text_offset")) {
            assertThat(logprobs.path(list)).hasSize(count);
        }
        int drawnOutsideTop = 0;
        for (int i = 0; i < count; i++) {
            String token = logprobs.path("tokens").path(i).asString();
            JsonNode top = logprobs.path("top_logprobs").path(i);
            assertThat(top.path(token).asDouble())
                    .isEqualTo(logprobs.path("token_logprobs").path(i).asDouble());
            assertThat(top.size()).isBetween(1, 3);
            drawnOutsideTop += top.size() == 3 ? 1 : 0;
            if (!token.startsWith("bytes:")) {
                int offset = text.offsetByCodePoints(
                        0, logprobs.path("text_offset").path(i).asInt());
                assertThat(text.substring(offset)).startsWith(token);
            }
        }
        assertThat(drawnOutsideTop).isPositive();
    }

    @Test
    void an_echo_without_an_answer_scores_the_prompt_as_generating_it_does() throws Exception {
        JsonNode generated = complete(
                "'prompt':[75,78,91,74],'max_tokens':16,'temperature':0,'logprobs':3,'routing':{'trace':true}");
        List<Integer> all = new ArrayList<>(List.of(75, 78, 91, 74));
        all.addAll(tokens(generated));
        JsonNode scored = complete("'prompt':" + all + ",'max_tokens':0,'echo':true,'logprobs':3");
        assertThat(scored.path("usage").path("completion_tokens").asInt()).isZero();
        assertThat(choice(scored, 0).path("finish_reason").asString()).isEqualTo("length");
        JsonNode logprobs = logprobs(scored);
        assertThat(logprobs.path("tokens")).hasSize(20);
        assertThat(logprobs.path("token_logprobs").path(0).isNull()).isTrue();
        assertThat(logprobs.path("top_logprobs").path(0).isNull()).isTrue();
        List<Double> ofPrompt = numbers(logprobs.path("token_logprobs")).subList(4, 20);
        List<Double> ofGenerated = numbers(logprobs(generated).path("token_logprobs"));
        for (int i = 0; i < 16; i++) {
            assertThat(ofPrompt.get(i)).isCloseTo(ofGenerated.get(i), within(1e-4));
            assertThat(logprobs.path("tokens").path(4 + i))
                    .isEqualTo(logprobs(generated).path("tokens").path(i));
        }
        assertThat(text(scored)).endsWith(text(generated));
    }

    @Test
    void an_echo_comes_before_the_answer_streamed_or_not() throws Exception {
        String fields = "'prompt':'five year','max_tokens':8,'temperature':0,'seed':1";
        String plain = text(complete(fields));
        JsonNode echoed = complete(fields + ",'echo':true,'logprobs':0");
        assertThat(text(echoed)).isEqualTo("five year" + plain);
        JsonNode logprobs = logprobs(echoed);
        int prompt = echoed.path("usage").path("prompt_tokens").asInt();
        assertThat(logprobs.path("tokens")).hasSize(prompt + 8);
        assertThat(logprobs.path("text_offset").path(prompt).asInt()).isEqualTo("five year".length());
        StringBuilder streamed = new StringBuilder();
        int tokens = 0;
        for (JsonNode chunk : chunks(
                "/v1/completions", "{'model':'tiny-llama'," + fields + ",'echo':true,'logprobs':0,'stream':true}")) {
            streamed.append(text(chunk));
            tokens += logprobs(chunk).path("tokens").size();
        }
        assertThat(streamed.toString()).isEqualTo("five year" + plain);
        assertThat(tokens).isEqualTo(prompt + 8);
        assertThat(refused("/v1/completions", "{'model':'tiny-llama','prompt':'x','max_tokens':0}")
                        .path("param")
                        .asString())
                .isEqualTo("max_tokens");
    }

    @Test
    void a_stream_never_splits_a_character_and_tokens_that_are_no_characters_are_escaped() throws Exception {
        // Ids 0 to 255 of the fixture's vocabulary are single bytes; a high temperature draws any of them.
        String fields = "'prompt':'x','max_tokens':300,'temperature':50,'logprobs':0,'seed':3";
        JsonNode whole = complete(fields);
        List<JsonNode> chunks = chunks("/v1/completions", "{'model':'tiny-llama'," + fields + ",'stream':true}");
        StringBuilder streamed = new StringBuilder();
        for (JsonNode chunk : chunks) {
            String piece = text(chunk);
            assertThat(StandardCharsets.UTF_8.newEncoder().canEncode(piece)).isTrue();
            streamed.append(piece);
        }
        assertThat(streamed.toString()).isEqualTo(text(whole));
        assertThat(elements(logprobs(whole).path("tokens")).stream()
                        .map(JsonNode::asString)
                        .filter(token -> token.matches("bytes:(\\\\x[0-9a-f]{2})+")))
                .isNotEmpty();
    }
}
