package io.quiver.router;

import static io.quiver.router.CalibratedRouter.THREE;
import static io.quiver.router.CalibratedRouter.complete;
import static io.quiver.router.CalibratedRouter.decision;
import static io.quiver.router.CalibratedRouter.experts;
import static io.quiver.router.CalibratedRouter.router;
import static io.quiver.router.SampleRouter.elements;
import static io.quiver.router.SampleRouter.numbers;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.micrometer.core.instrument.MeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** What answers by evidence show of themselves, what they share, and how they are repeated. */
@ExtendWith(CalibratedRouter.class)
class EvidenceTraceTest {
    private static final String ANYBODY = ",'min_score':-1e6";
    private static final String LONG = "The quick brown fox jumps over the lazy dog, and over every other dog as well";

    private static JsonNode chat(String messages, String routing) throws Exception {
        return RouterRequests.answer(
                router(),
                "/v1/chat/completions",
                "{'model':'tiny-llama','messages':[" + messages + "],'temperature':0,'max_tokens':4,'routing':{"
                        + routing + "}}");
    }

    private static String message(String role, String content) {
        return "{'role':'" + role + "','content':'" + content + "'}";
    }

    private static String counted(JsonNode answer) {
        JsonNode evidence = answer.path("routing").path("trace").path("evidence");
        return elements(evidence.path("tokens")).stream()
                .skip(evidence.path("first_token").asInt())
                .map(token -> token.path("text").asString())
                .collect(Collectors.joining());
    }

    @Test
    void a_trace_has_the_evidence_of_every_token_of_the_prompt_and_the_whole_ranking() throws Exception {
        JsonNode answer = complete(LONG, THREE + ANYBODY + ",'trace':true");
        JsonNode evidence = answer.path("routing").path("trace").path("evidence");
        assertThat(elements(evidence.path("experts")).stream().map(JsonNode::asString))
                .containsExactly("t/e0", "t/e1", "t/e2");
        assertThat(evidence.path("tokens"))
                .hasSize(answer.path("usage").path("prompt_tokens").asInt());
        assertThat(counted(answer)).contains("quick").startsWith("The");
        assertThat(decision(answer).path("ranking")).hasSize(3);
        for (JsonNode token : evidence.path("tokens")) {
            assertThat(numbers(token.path("evidence"))).hasSize(3).allMatch(Double::isFinite);
        }
        assertThat(complete(LONG, THREE + ANYBODY).path("routing").has("trace")).isFalse();
    }

    @Test
    void an_explanation_sets_evidence_beside_other_strategies() throws Exception {
        JsonNode explanation = RouterRequests.answer(
                router(),
                "/v1/routing:explain",
                "{'model':'tiny-llama','prompt':'" + LONG + "','variants':[{" + THREE + ANYBODY + "},{" + THREE
                        + ",'min_score':1e6},{" + THREE + ",'strategy':'arrow'}]}");
        JsonNode variant = explanation.path("variants").path(0);
        JsonNode completed = complete(LONG, THREE + ANYBODY + ",'trace':true").path("routing");
        assertThat(variant.path("evidence").path("tokens"))
                .hasSize(explanation.path("tokens").size());
        for (int t = 0; t < explanation.path("tokens").size(); t++) {
            List<Double> there = numbers(completed
                    .path("trace")
                    .path("evidence")
                    .path("tokens")
                    .path(t)
                    .path("evidence"));
            List<Double> here =
                    numbers(variant.path("evidence").path("tokens").path(t).path("evidence"));
            for (int e = 0; e < 3; e++) {
                assertThat(here.get(e)).isCloseTo(there.get(e), within(1e-3));
            }
        }
        assertThat(variant.path("routing").path("decisions").path(0).path("best"))
                .isEqualTo(completed.path("decisions").path(0).path("best"));
        assertThat(variant.path("routing").path("experts").path(0).path("share").asDouble())
                .isEqualTo(1);
        assertThat(explanation.path("variants").path(1).path("routing").path("experts"))
                .isEmpty();
        assertThat(explanation.path("variants").path(2).has("evidence")).isFalse();
        assertThat(explanation.path("variants").path(0).path("next")).hasSize(5);
    }

    @Test
    void only_the_current_turn_of_a_conversation_counts() throws Exception {
        String routing = THREE + ANYBODY + ",'trace':true";
        JsonNode one = chat(message("user", "Name a fox."), routing);
        assertThat(counted(one)).startsWith("Name").contains("fox").contains("assistant");
        String earlier = message("system", "Be brief.") + "," + message("user", "Name a cat.") + ","
                + message("assistant", "Tom") + ",";
        JsonNode two = chat(earlier + message("user", "Name a fox."), routing);
        assertThat(counted(two)).isEqualTo(counted(one));
        // Words that begin as those do which they are compared with.
        assertThat(counted(chat(earlier + message("user", "a fox"), routing))).startsWith("a");
        assertThat(counted(chat(earlier + message("user", "7 foxes"), routing))).startsWith("7");
        // A turn of several messages begins with the first of them.
        JsonNode several = chat(earlier + message("user", "Name") + "," + message("user", "a fox."), routing);
        assertThat(counted(several)).startsWith("Name").contains("fox");
        JsonNode system = chat(message("system", "Be brief."), routing);
        assertThat(decision(system).path("first_token").asInt()).isZero();
    }

    @Test
    void a_stream_names_who_answers_in_its_first_chunk() throws Exception {
        String request = CalibratedRouter.greedy("'five year'", THREE + ANYBODY)
                .replace("'temperature'", "'stream':true,'n':2,'temperature'");
        List<JsonNode> chunks = RouterRequests.chunks(router(), "/v1/completions", request);
        JsonNode whole = complete("five year", THREE + ANYBODY);
        JsonNode first = chunks.get(0).path("routing");
        assertThat(first.path("experts").path(0).path("name").asString())
                .isEqualTo(experts(whole).get(0));
        assertThat(first.path("experts").path(0).has("share")).isFalse();
        assertThat(first.path("decisions")).hasSize(1);
        JsonNode last = chunks.get(chunks.size() - 1);
        assertThat(last.path("routing").path("decisions")).hasSize(2);
        assertThat(last.path("routing").path("experts").path(0).path("share").asDouble())
                .isEqualTo(1);
        String text = chunks.stream()
                .filter(chunk -> chunk.path("choices").path(0).path("index").asInt() == 0)
                .map(chunk -> chunk.path("choices").path(0).path("text").asString(""))
                .collect(Collectors.joining());
        assertThat(text).isEqualTo(CalibratedRouter.text(whole));
    }

    @Test
    void a_replay_chooses_the_same_expert_by_the_same_calibration_and_gives_the_same_tokens() throws Exception {
        String request = "{'model':'tiny-llama','prompt':'five year','max_tokens':24,'temperature':1.2,'routing':{"
                + THREE + ANYBODY + "}}";
        JsonNode before = RouterRequests.answer(router(), "/v1/completions", request);
        ObjectNode again = (ObjectNode) RouterRequests.JSON.readTree(request.replace('\'', '"'));
        JsonNode replay = before.path("replay");
        again.set("seed", replay.path("seed"));
        again.set("model", replay.path("model"));
        again.set("routing", replay.path("routing"));
        assertThat(replay.path("routing").path("calibration"))
                .isEqualTo(before.path("routing").path("calibration"));
        assertThat(replay.path("routing").path("experts")).hasSize(3);
        JsonNode repeated = RouterRequests.answer(router(), "/v1/completions", again.toString());
        assertThat(repeated.path("choices")).isEqualTo(before.path("choices"));
        assertThat(repeated.path("replay")).isEqualTo(replay);
        assertThat(repeated.path("routing").path("library_digest"))
                .isEqualTo(before.path("routing").path("library_digest"));
    }

    private static double count(String meter, String tag, String value) {
        return router().bean(MeterRegistry.class).find(meter).tag(tag, value).counters().stream()
                .mapToDouble(counter -> counter.count())
                .sum();
    }

    @Test
    void what_the_base_has_read_serves_other_libraries_and_later_turns() throws Exception {
        String prompt = LONG + " 1";
        JsonNode first = complete(prompt, THREE + ANYBODY);
        int tokens = first.path("usage").path("prompt_tokens").asInt();
        List<Double> read = new ArrayList<>();
        for (String routing : List.of(
                "'experts':['t/e1','t/e2']" + ANYBODY, "'experts':['t/e0','t/e2'],'min_score':1e6", THREE + ANYBODY)) {
            double before = count("vllm.prompt_tokens", "model_name", "tiny-llama");
            complete(prompt, routing);
            read.add(count("vllm.prompt_tokens", "model_name", "tiny-llama") - before);
        }
        // The bare pass is there for all three. The first has to be read by its expert, unless that is the same; the
        // second is
        // answered by the base, which goes on from there; the third has been read by its expert too.
        assertThat(read.get(0)).isIn((double) tokens, 1.0);
        assertThat(read.get(1)).isEqualTo(1);
        assertThat(read.get(2)).isEqualTo(1);
    }

    @Test
    void decisions_and_strategies_are_counted() throws Exception {
        double none = count("quiver.router.evidence_decisions", "outcome", "none");
        double expert = count("quiver.router.evidence_decisions", "outcome", "expert");
        double texts = count("quiver.router.texts", "strategy", "evidence");
        complete("five year", THREE + ANYBODY);
        complete("five year", THREE + ",'min_score':1e6");
        assertThat(count("quiver.router.evidence_decisions", "outcome", "none") - none)
                .isEqualTo(1);
        assertThat(count("quiver.router.evidence_decisions", "outcome", "expert") - expert)
                .isEqualTo(1);
        assertThat(count("quiver.router.texts", "strategy", "evidence") - texts).isEqualTo(2);
    }
}
