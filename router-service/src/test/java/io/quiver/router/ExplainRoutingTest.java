package io.quiver.router;

import static io.quiver.router.SampleRouter.THREE;
import static io.quiver.router.SampleRouter.answer;
import static io.quiver.router.SampleRouter.choice;
import static io.quiver.router.SampleRouter.elements;
import static io.quiver.router.SampleRouter.numbers;
import static io.quiver.router.SampleRouter.refused;
import static io.quiver.router.SampleRouter.tokens;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

@ExtendWith(SampleRouter.class)
class ExplainRoutingTest {
    private static final String PATH = "/v1/routing:explain";
    private static final String SIX = "{" + THREE + ",'top_k':1},{" + THREE + ",'top_k':2},{" + THREE
            + ",'top_k':2,'temperature':0.1},{'experts':['t/e2','t/e0']},{" + THREE + ",'strategy':'uniform'},{}";

    private static JsonNode explain(String fields) throws Exception {
        return answer(PATH, "{'model':'tiny-llama','prompt':'five year'," + fields + "}");
    }

    private static JsonNode completed(String routing) throws Exception {
        return answer(
                "/v1/completions",
                "{'model':'tiny-llama','prompt':'five year','max_tokens':1,'temperature':0,'logprobs':5,'routing':"
                        + routing + "}");
    }

    @Test
    void variants_stand_side_by_side_with_the_shares_of_each_token() throws Exception {
        JsonNode explanation = explain("'variants':[" + SIX + "]");
        assertThat(explanation.path("object").asString()).isEqualTo("routing.explanation");
        assertThat(explanation.path("base").path("digest").asString()).startsWith("sha256:");
        JsonNode variants = explanation.path("variants");
        assertThat(variants).hasSize(6);
        int tokens = explanation.path("tokens").size();
        List<Integer> experts = List.of(3, 3, 3, 2, 3, 0);
        for (int v = 0; v < 6; v++) {
            JsonNode variant = variants.path(v);
            assertThat(variant.has("modules")).isFalse();
            assertThat(variant.path("tokens")).hasSize(tokens);
            assertThat(variant.path("routing").path("experts")).hasSize(experts.get(v));
            double[] mean = new double[experts.get(v)];
            for (JsonNode token : variant.path("tokens")) {
                List<Double> shares = numbers(token.path("shares"));
                assertThat(shares).hasSize(experts.get(v));
                for (int e = 0; e < mean.length; e++) {
                    mean[e] += shares.get(e) / tokens;
                }
                if (!shares.isEmpty()) {
                    assertThat(shares.stream().mapToDouble(share -> share).sum())
                            .isCloseTo(1, within(1e-4));
                }
            }
            for (int e = 0; e < mean.length; e++) {
                assertThat(variant.path("routing")
                                .path("experts")
                                .path(e)
                                .path("share")
                                .asDouble())
                        .isCloseTo(mean[e], within(1e-9));
            }
        }
        assertThat(variants.path(0).path("tokens"))
                .isNotEqualTo(variants.path(1).path("tokens"));
        assertThat(variants.path(1).path("tokens"))
                .isNotEqualTo(variants.path(2).path("tokens"));
        assertThat(numbers(variants.path(4).path("tokens").path(0).path("shares")))
                .containsOnly(1 / 3.0);
    }

    @Test
    void an_explanation_says_what_a_completion_traces_and_which_token_it_begins_with() throws Exception {
        for (String routing : SIX.split("(?<=}),")) {
            JsonNode variant = explain("'variants':[" + routing + "],'detail':'modules'")
                    .path("variants")
                    .path(0);
            String traced = routing.equals("{}") ? "{'trace':'modules'}" : routing.replace("}", ",'trace':'modules'}");
            JsonNode completion = completed(traced);
            JsonNode trace = completion.path("routing").path("trace");
            List<JsonNode> shares = elements(trace.path("prompt_tokens")).stream()
                    .map(token -> token.path("shares"))
                    .toList();
            assertThat(elements(variant.path("tokens")).stream().map(token -> token.path("shares")))
                    .as(routing)
                    .isEqualTo(shares);
            JsonNode modules = trace.path("prompt_modules");
            assertThat(variant.path("modules")).hasSize(modules.size());
            for (int m = 0; m < modules.size(); m++) {
                for (String field : List.of("module", "scores", "coefficients")) {
                    assertThat(variant.path("modules").path(m).path(field))
                            .isEqualTo(modules.path(m).path(field));
                }
            }
            assertThat(variant.path("next")).hasSize(5);
            JsonNode next = variant.path("next").path(0);
            assertThat(next.path("token").asInt()).isEqualTo(tokens(completion).get(0));
            assertThat(next.path("logprob").asDouble())
                    .isEqualTo(choice(completion, 0)
                            .path("logprobs")
                            .path("token_logprobs")
                            .path(0)
                            .asDouble());
        }
    }

    @Test
    void a_modules_shares_are_the_means_of_its_coefficients() throws Exception {
        JsonNode modules = explain("'variants':[{" + THREE + ",'top_k':2}],'detail':'modules'")
                .path("variants")
                .path(0)
                .path("modules");
        assertThat(modules).hasSize(21);
        for (JsonNode module : modules) {
            for (int e = 0; e < 3; e++) {
                double mean = 0;
                for (JsonNode row : module.path("coefficients")) {
                    mean += row.path(e).asDouble() / module.path("coefficients").size();
                }
                assertThat(module.path("shares").path(e).asDouble()).isCloseTo(mean, within(1e-6));
            }
        }
    }

    @Test
    void a_conversation_is_explained_as_the_chat_template_writes_it() throws Exception {
        String messages = "'model':'tiny-llama','messages':[{'role':'user','content':'Why?'}]";
        JsonNode explanation = answer(PATH, "{" + messages + ",'variants':[{'all':true}]}");
        JsonNode chat = answer("/v1/chat/completions", "{" + messages + ",'max_tokens':1}");
        assertThat(explanation.path("tokens"))
                .hasSize(chat.path("usage").path("prompt_tokens").asInt());
    }

    @Test
    void every_strategy_can_be_explained() throws Exception {
        StringBuilder variants = new StringBuilder();
        // The base has no experts, and these experts have neither gate vectors nor evidence, which EvidenceTraceTest
        // explains.
        Set<Strategy> strategies =
                EnumSet.complementOf(EnumSet.of(Strategy.BASE, Strategy.PHATGOOSE, Strategy.EVIDENCE));
        for (Strategy strategy : strategies) {
            String experts = strategy == Strategy.SINGLE ? "'experts':['t/e0']" : THREE;
            String weights = strategy.takesWeights() ? ",'weights':[1,2,3]" : "";
            variants.append(",{" + experts + ",'strategy':'" + strategy.word() + "'" + weights + "}");
        }
        JsonNode answered =
                explain("'variants':[" + variants.substring(1) + "]").path("variants");
        assertThat(answered).hasSize(strategies.size());
        for (JsonNode variant : answered) {
            JsonNode routing = variant.path("routing");
            assertThat(routing.path("experts").path(0).has("share"))
                    .as(routing.toString())
                    .isTrue();
            assertThat(variant.path("next")).hasSize(5);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "variants|'prompt':'x'",
                "variants|'prompt':'x','variants':[]",
                "variants|'prompt':'x','variants':[1]",
                "prompt|'variants':[{}]",
                "prompt|'prompt':['x','y'],'variants':[{}]",
                "messages|'prompt':'x','messages':[{'role':'user','content':'x'}],'variants':[{}]",
                "detail|'prompt':'x','variants':[{}],'detail':'all'",
                "variants[1].topk|'prompt':'x','variants':[{},{'topk':1}]",
                "variants[1].top_k|'prompt':'x','variants':[{},{'top_k':0}]",
                "variants[1].strategy|'prompt':'x','variants':[{},{'experts':['t/e0','t/e1'],'strategy':'single'}]",
                "colour|'prompt':'x','variants':[{}],'colour':1",
            })
    void what_cannot_be_explained_is_refused_by_name(String fault) throws Exception {
        JsonNode error = refused(PATH, "{'model':'tiny-llama'," + fault.substring(fault.indexOf('|') + 1) + "}");
        assertThat(error.path("param").asString()).isEqualTo(fault.substring(0, fault.indexOf('|')));
    }

    @Test
    void sixteen_variants_are_explained_and_seventeen_are_refused() throws Exception {
        String sixteen = String.join(",", Collections.nCopies(16, "{'experts':['t/e1']}"));
        assertThat(explain("'variants':[" + sixteen + "]").path("variants")).hasSize(16);
        assertThat(refused(PATH, "{'model':'tiny-llama','prompt':'x','variants':[{}," + sixteen + "]}")
                        .path("param")
                        .asString())
                .isEqualTo("variants");
    }

    @Test
    void as_many_numbers_as_allowed_are_told_and_one_more_is_refused() throws Exception {
        RoutingWish routing =
                new RoutingWish(new Selection.All(), Strategy.UNIFORM, null, null, null, TraceDetail.MODULES);
        Prompt prompt = new Prompt.Tokens(List.of(new int[] {75, 78, 91, 74}));
        Complete complete = SampleRouter.router().bean(Complete.class);
        // Shares of 4 tokens and 3 experts, twice.
        List<RoutingWish> variants = List.of(routing, routing);
        assertThat(new ExplainRouting(complete, Duration.ofMinutes(1), 24)
                        .explain("tiny-llama", prompt, variants, false, "test"))
                .hasSize(2);
        ExplainRouting less = new ExplainRouting(complete, Duration.ofMinutes(1), 23);
        RequestRefusedException refused = catchThrowableOfType(
                RequestRefusedException.class, () -> less.explain("tiny-llama", prompt, variants, false, "test"));
        assertThat(refused.param()).isEqualTo("variants");
    }
}
