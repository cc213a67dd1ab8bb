package io.quiver.router;

import static io.quiver.router.SampleRouter.answer;
import static io.quiver.router.SampleRouter.choice;
import static io.quiver.router.SampleRouter.chunks;
import static io.quiver.router.SampleRouter.complete;
import static io.quiver.router.SampleRouter.elements;
import static io.quiver.router.SampleRouter.refused;
import static io.quiver.router.SampleRouter.text;
import static io.quiver.router.SampleRouter.tokens;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

@ExtendWith(SampleRouter.class)
class CompletionFieldsTest {
    private static final String GREEDY =
            "'prompt':'five year','max_tokens':24,'temperature':0,'routing':{'trace':true}";

    private static List<String> texts(JsonNode answer) {
        return elements(answer.path("choices")).stream()
                .map(choice -> choice.path("text").asString())
                .toList();
    }

    @Test
    void n_choices_are_drawn_each_by_itself_and_the_first_is_what_one_alone_would_be() throws Exception {
        String fields = "'prompt':['five year','of the'],'max_tokens':12,'seed':7";
        JsonNode answer = complete(fields + ",'n':3");
        assertThat(elements(answer.path("choices")).stream()
                        .map(choice -> choice.path("index").asInt()))
                .containsExactly(0, 1, 2, 3, 4, 5);
        assertThat(texts(answer)).doesNotHaveDuplicates();
        assertThat(texts(complete(fields + ",'n':3"))).isEqualTo(texts(answer));
        assertThat(texts(complete("'prompt':'five year','max_tokens':12,'seed':7")))
                .isEqualTo(texts(answer).subList(0, 1));
        // A prompt is counted once, an answer as often as it is generated.
        JsonNode one = complete(fields + ",'n':1");
        assertThat(answer.path("usage").path("prompt_tokens"))
                .isEqualTo(one.path("usage").path("prompt_tokens"));
        assertThat(answer.path("usage").path("completion_tokens").asInt()).isBetween(6, 72);
        assertThat(answer.path("usage").path("total_tokens").asInt())
                .isEqualTo(answer.path("usage").path("prompt_tokens").asInt()
                        + answer.path("usage").path("completion_tokens").asInt());
    }

    @Test
    void n_choices_of_a_stream_are_told_apart_by_their_index() throws Exception {
        String body =
                "{'model':'tiny-llama','messages':[{'role':'user','content':'Why?'}],'max_tokens':6,'seed':1,'n':3";
        Map<Integer, StringBuilder> streamed = new TreeMap<>();
        List<JsonNode> chunks =
                chunks("/v1/chat/completions", body + ",'stream':true,'stream_options':{'include_usage':true}}");
        int ends = 0;
        for (JsonNode chunk : chunks.subList(0, chunks.size() - 1)) {
            JsonNode choice = choice(chunk, 0);
            streamed.computeIfAbsent(choice.path("index").asInt(), index -> new StringBuilder())
                    .append(choice.path("delta").path("content").asString(""));
            ends += choice.path("finish_reason").isNull() ? 0 : 1;
            // Where usage is asked for, every chunk has the field.
            assertThat(chunk.has("usage") && chunk.path("usage").isNull()).isTrue();
        }
        assertThat(ends).isEqualTo(3);
        JsonNode whole = answer("/v1/chat/completions", body + "}");
        for (int i = 0; i < 3; i++) {
            assertThat(streamed.get(i).toString())
                    .isEqualTo(choice(whole, i).path("message").path("content").asString());
        }
        assertThat(chunks.get(chunks.size() - 1).path("usage")).isEqualTo(whole.path("usage"));
    }

    @Test
    void tokens_in_arrays_are_as_many_prompts() throws Exception {
        JsonNode batch = complete("'prompt':[[75,78,91,74],[93]],'max_tokens':4,'temperature':0");
        JsonNode first = complete("'prompt':[75,78,91,74],'max_tokens':4,'temperature':0");
        assertThat(texts(batch)).hasSize(2).startsWith(text(first));
        assertThat(batch.path("usage").path("prompt_tokens").asInt()).isEqualTo(5);
    }

    @Test
    void a_large_bias_forces_a_token_and_a_large_negative_one_forbids_it() throws Exception {
        List<Integer> plain = tokens(complete(GREEDY));
        assertThat(tokens(complete(GREEDY + ",'logit_bias':{'93':100}"))).containsOnly(93);
        int first = plain.get(0);
        assertThat(tokens(complete(GREEDY + ",'logit_bias':{'" + first + "':-100}")))
                .isNotEmpty()
                .doesNotContain(first);
    }

    @Test
    void penalties_repeat_less_and_negative_ones_more() throws Exception {
        String fields =
                "'prompt':'five year','max_tokens':60,'temperature':0,'ignore_eos':true,'routing':{'trace':true}";
        long plain = tokens(complete(fields)).stream().distinct().count();
        for (String penalty : List.of("presence_penalty':2", "frequency_penalty':2", "repetition_penalty':1.5")) {
            assertThat(tokens(complete(fields + ",'" + penalty)).stream()
                            .distinct()
                            .count())
                    .as(penalty)
                    .isGreaterThan(plain);
        }
        List<Integer> stuck = tokens(complete(fields + ",'repetition_penalty':0.01"));
        assertThat(Collections.frequency(stuck, stuck.get(0))).isGreaterThan(30);
    }

    @Test
    void a_stop_token_ends_the_text_before_it_unless_it_comes_too_early() throws Exception {
        List<Integer> plain = tokens(complete(GREEDY));
        int stop = plain.get(5);
        int at = plain.indexOf(stop);
        JsonNode stopped = complete(GREEDY + ",'stop_token_ids':[" + stop + "]");
        assertThat(tokens(stopped)).isEqualTo(plain.subList(0, at));
        assertThat(choice(stopped, 0).path("finish_reason").asString()).isEqualTo("stop");
        assertThat(stopped.path("usage").path("completion_tokens").asInt()).isEqualTo(at + 1);
        List<Integer> later = tokens(complete(GREEDY + ",'min_tokens':10,'stop_token_ids':[" + stop + "]"));
        assertThat(later.size()).isGreaterThanOrEqualTo(10);
        assertThat(later.subList(0, 10)).doesNotContain(stop);
    }

    @Test
    void the_models_own_end_can_be_put_off_or_ignored() throws Exception {
        int end = SampleRouter.router()
                .model()
                .decoder()
                .config()
                .eosTokens()
                .iterator()
                .next();
        String fields = GREEDY + ",'logit_bias':{'" + end + "':100}";
        JsonNode atOnce = complete(fields);
        assertThat(tokens(atOnce)).isEmpty();
        assertThat(choice(atOnce, 0).path("finish_reason").asString()).isEqualTo("stop");
        assertThat(tokens(complete(fields + ",'min_tokens':4"))).hasSize(4).doesNotContain(end);
        JsonNode ignored = complete(fields + ",'ignore_eos':true");
        assertThat(tokens(ignored)).hasSize(24).containsOnly(end);
        assertThat(choice(ignored, 0).path("finish_reason").asString()).isEqualTo("length");
        assertThat(text(ignored)).isEmpty();
    }

    @Test
    void the_first_of_sixteen_stop_strings_ends_the_text_and_seventeen_are_refused() throws Exception {
        String all = text(complete(GREEDY));
        List<String> stops = new ArrayList<>(Collections.nCopies(15, "\u00ff"));
        String stop = all.substring(4, 6);
        stops.add(stop);
        // The request helper takes every ' for a quotation mark.
        String json = SampleRouter.JSON.writeValueAsString(stops).replace("'", "\\u0027");
        assertThat(text(complete(GREEDY + ",'stop':" + json))).isEqualTo(all.substring(0, all.indexOf(stop)));
        stops.add("a");
        String tooMany = SampleRouter.JSON.writeValueAsString(stops).replace("'", "\\u0027");
        JsonNode error = refused("/v1/completions", "{'model':'tiny-llama','prompt':'x','stop':" + tooMany + "}");
        assertThat(error.path("param").asString()).isEqualTo("stop");
    }

    @Test
    void max_completion_tokens_goes_before_max_tokens() throws Exception {
        JsonNode answer = answer(
                "/v1/chat/completions",
                "{'model':'tiny-llama','messages':[{'role':'user','content':'x'}],'max_tokens':9,'ignore_eos':true,"
                        + "'max_completion_tokens':3}");
        assertThat(answer.path("usage").path("completion_tokens").asInt()).isEqualTo(3);
    }

    @Test
    void everything_that_is_wrong_is_said_at_once() throws Exception {
        JsonNode error = refused(
                "/v1/chat/completions",
                "{'messages':[{'role':'user','content':[{'type':'image_url'}]},{'content':'x','colour':1}],'n':0,"
                        + "'tools':[{'type':'function'}],'response_format':{'type':'json_object'},'temperature':'hot',"
                        + "'logit_bias':{'a':1},'stop_token_ids':['x'],'top_k':-2,'shade':2,'routing':{'topk':1}}");
        List<String> found = elements(error.path("violations")).stream()
                .map(violation -> violation.path("code").asString() + " "
                        + violation.path("param").asString())
                .toList();
        assertThat(found)
                .containsExactlyInAnyOrder(
                        "invalid_request messages[0].content",
                        "invalid_request messages[1].role",
                        "unknown_parameter messages[1].colour",
                        "unsupported_parameter tools",
                        "unsupported_parameter response_format",
                        "invalid_request model",
                        "unknown_parameter routing.topk",
                        "invalid_request n",
                        "invalid_request temperature",
                        "invalid_request top_k",
                        "invalid_request logit_bias",
                        "invalid_request stop_token_ids",
                        "unknown_parameter shade");
        assertThat(error.path("code").asString()).isEqualTo("invalid_request");
        assertThat(error.path("param").asString()).isEqualTo("messages[0].content");
        assertThat(error.path("message").asString()).contains("temperature").contains("shade");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "n|'n':65",
                "n|'n':40,'prompt':['a','b']",
                "min_tokens|'min_tokens':17",
                "min_p|'min_p':1.1",
                "presence_penalty|'presence_penalty':2.1",
                "frequency_penalty|'frequency_penalty':-2.1",
                "repetition_penalty|'repetition_penalty':0",
                "logit_bias|'logit_bias':{'5':101}",
                "logit_bias|'logit_bias':{'999999':1}",
                "logit_bias|'logit_bias':{'-1':1}",
                "stop_token_ids|'stop_token_ids':[-1]",
                "stop_token_ids|'stop_token_ids':5",
                "stop|'stop':'\\ud83d'",
                "stop|'stop':''",
                "stream_options|'stream_options':{'include_usage':true}",
                "routing.trace|'n':2,'routing':{'trace':true}",
            })
    void a_value_out_of_bounds_is_refused_by_its_name(String fault) throws Exception {
        String fields = fault.substring(fault.indexOf('|') + 1);
        String prompt = fields.contains("'prompt'") ? "" : "'prompt':'x',";
        JsonNode error = refused("/v1/completions", "{'model':'tiny-llama'," + prompt + fields + "}");
        assertThat(error.path("param").asString()).isEqualTo(fault.substring(0, fault.indexOf('|')));
        assertThat(error.has("violations")).isFalse();
    }

    @Test
    void values_at_the_bounds_are_accepted() throws Exception {
        complete("'prompt':'x','max_tokens':2,'min_tokens':2,'min_p':1,'presence_penalty':2,'frequency_penalty':-2,"
                + "'logit_bias':{'5':100,'6':-100},'stop_token_ids':[],'stop':'\\ud83d\\ude00','n':2,'best_of':2");
    }
}
