package io.quiver.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Every strategy once over HTTP: what is answered, what is said about it, and what is refused. */
class StrategyHttpTest {
    private static final JsonMapper JSON = RouterRequests.JSON;
    private static final String TWO = "'experts':['t/e0','t/e1'],";

    @TempDir
    private static Path directory;

    private static RunningRouter router;

    @BeforeAll
    static void start() throws Exception {
        router = RunningRouter.withExperts(directory, List.of("e0", "e1", "e2", "gated0", "gated1"));
    }

    @AfterAll
    static void stop() {
        router.close();
    }

    private static HttpResponse<String> post(String routing) throws Exception {
        String json = "{'model':'tiny-llama','prompt':'five year','temperature':0,'max_tokens':12,'routing':{" + routing
                + "}}";
        return RouterRequests.post(router, "/v1/completions", json);
    }

    private static JsonNode complete(String routing) throws Exception {
        HttpResponse<String> response = post(routing);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return JSON.readTree(response.body());
    }

    private static String text(String routing) throws Exception {
        return complete(routing).path("choices").path(0).path("text").asString();
    }

    private static JsonNode refused(String routing) throws Exception {
        HttpResponse<String> response = post(routing);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(400);
        return JSON.readTree(response.body()).path("error");
    }

    private static List<Double> shares(JsonNode answer) {
        return StreamSupport.stream(answer.path("routing").path("experts").spliterator(), false)
                .map(expert -> expert.path("share").asDouble())
                .toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"spectr", "lag", "arrow"})
    void a_gate_says_what_it_worked_with_and_its_shares_add_up(String strategy) throws Exception {
        JsonNode answer =
                complete("'all':true,'strategy':'" + strategy + "','top_k':2,'input_norm':'unit','temperature':0.1");
        JsonNode routing = answer.path("routing");
        assertThat(routing.path("strategy").asString()).isEqualTo(strategy);
        assertThat(routing.path("input_norm").asString()).isEqualTo("unit");
        assertThat(routing.path("top_k").asInt()).isEqualTo(2);
        assertThat(routing.has("candidates")).isEqualTo(strategy.equals("lag"));
        assertThat(shares(answer).stream().mapToDouble(share -> share).sum()).isEqualTo(1, within(1e-5));
    }

    @Test
    void a_minimum_that_nobody_reaches_is_the_base_model() throws Exception {
        JsonNode answer = complete("'all':true,'strategy':'arrow','input_norm':'unit','min_score':1.01");
        assertThat(answer.path("routing").path("min_score").asDouble()).isEqualTo(1.01);
        assertThat(shares(answer)).containsOnly(0.0);
        assertThat(answer.path("choices").path(0).path("text").asString()).isEqualTo(text("'strategy':'base'"));
    }

    @Test
    void gate_vectors_route_those_who_bring_them() throws Exception {
        JsonNode answer = complete("'experts':['t/gated0','t/gated1'],'strategy':'phatgoose','top_k':1");
        assertThat(answer.path("routing").path("input_norm").asString()).isEqualTo("layer_norm");
        assertThat(shares(answer)).allMatch(share -> share > 0 && share < 1);
        assertThat(shares(answer).stream().mapToDouble(share -> share).sum()).isEqualTo(1, within(1e-5));
        JsonNode error = refused("'experts':['t/gated0','t/e1','t/e2'],'strategy':'phatgoose'");
        assertThat(error.path("code").asString()).isEqualTo("experts_incompatible");
        assertThat(error.path("message").asString()).contains("t/e1", "t/e2").doesNotContain("t/gated0");
    }

    @Test
    void weights_are_used_and_said() throws Exception {
        JsonNode answer = complete(TWO + "'strategy':'weighted','weights':[0.25,-0.5]");
        assertThat(shares(answer)).containsExactly(0.25, -0.5);
        assertThat(answer.path("routing").path("weights")).hasSize(2);
        assertThat(text(TWO + "'strategy':'weighted','weights':[1,0]"))
                .isEqualTo(text("'experts':['t/e0'],'strategy':'single'"));
        assertThat(text(TWO + "'strategy':'weighted','weights':[0.5,0.5]"))
                .isEqualTo(text(TWO + "'strategy':'uniform'"));
    }

    @Test
    void cat_with_weights_gives_what_the_weights_alone_give() throws Exception {
        JsonNode answer = complete(TWO + "'strategy':'cat','weights':[0.7,0.6]");
        assertThat(answer.path("choices").path(0).path("text").asString())
                .isEqualTo(text(TWO + "'strategy':'weighted','weights':[0.7,0.6]"));
        assertThat(answer.path("routing").path("weights")).hasSize(2);
        assertThat(shares(answer).get(0)).isEqualTo(0.7, within(1e-12));
        assertThat(shares(answer).get(1)).isEqualTo(0.6, within(1e-12));
    }

    @ParameterizedTest
    @CsvSource({"ties", "dare_linear", "dare_ties", "magnitude_prune"})
    void merging_everything_that_is_there_drops_nothing(String strategy) throws Exception {
        JsonNode answer = complete(TWO + "'strategy':'" + strategy + "','density':1,'weights':[1,1]");
        assertThat(answer.path("routing").path("density").asDouble()).isEqualTo(1);
        assertThat(answer.path("routing").has("seed")).isEqualTo(strategy.startsWith("dare"));
        assertThat(answer.path("routing").has("majority_sign")).isEqualTo(strategy.endsWith("ties"));
        if (!strategy.endsWith("ties")) {
            assertThat(answer.path("choices").path(0).path("text").asString())
                    .isEqualTo(text(TWO + "'strategy':'linear','weights':[1,1]"));
        }
    }

    @Test
    void a_seed_decides_what_dare_drops() throws Exception {
        String dare = TWO + "'strategy':'dare_linear','density':0.3,'seed':";
        String first =
                complete(dare + "1").path("routing").path("merged_digest").asString();
        assertThat(complete(dare + "1").path("routing").path("merged_digest").asString())
                .isEqualTo(first);
        assertThat(complete(dare + "2").path("routing").path("merged_digest").asString())
                .isNotEqualTo(first);
        assertThat(text(dare + "1")).isEqualTo(text(dare + "1"));
    }

    @Test
    void a_merged_expert_has_no_name_in_a_trace() throws Exception {
        JsonNode tokens = complete(TWO + "'strategy':'linear','trace':true")
                .path("routing")
                .path("trace")
                .path("tokens");
        assertThat(tokens).isNotEmpty();
        assertThat(tokens.path(0).has("expert")).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"factors", "updates"})
    void general_knowledge_is_taken_out_of_every_expert(String form) throws Exception {
        String general = ",'general_knowledge':{'experts':['t/e2'],'form':'" + form + "'}";
        JsonNode answer = complete(TWO + "'strategy':'arrow'" + general);
        JsonNode said = answer.path("routing").path("general_knowledge");
        assertThat(said.path("form").asString()).isEqualTo(form);
        assertThat(said.path("experts").path(0).path("name").asString()).isEqualTo("t/e2");
        assertThat(shares(answer)).hasSize(2);
        assertThat(text(TWO + "'strategy':'weighted','weights':[1,0]" + general))
                .as("one expert less general knowledge, exactly, is both with opposite weights")
                .isEqualTo(
                        form.equals("updates")
                                ? text("'experts':['t/e0','t/e2'],'strategy':'weighted','weights':[1,-1]")
                                : text("'experts':['t/e0'],'strategy':'single'" + general));
    }

    @Test
    void general_adapters_are_not_among_all_experts() throws Exception {
        JsonNode experts = complete("'all':true,'general_knowledge':{'experts':['t/e2','t/gated0','t/gated1']}")
                .path("routing")
                .path("experts");
        assertThat(experts.findValuesAsString("name")).containsExactly("t/e0", "t/e1");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "'all':true,'strategy':'lag','input_norm':'unit','min_score':0.05",
                "'experts':['t/e0','t/e1'],'strategy':'dare_ties','seed':4,'weights':[1,0.5]",
                "'experts':['t/e0','t/e1'],'strategy':'cat'",
                "'experts':['t/e0','t/e1'],'general_knowledge':{'experts':'t/e2','form':'updates'}",
            })
    void what_an_answer_says_about_its_replay_can_be_asked_for(String routing) throws Exception {
        JsonNode answer = complete(routing);
        String replay = answer.path("replay").path("routing").toString();
        JsonNode again = complete(replay.substring(1, replay.length() - 1));
        assertThat(again.path("choices").path(0).path("text"))
                .isEqualTo(answer.path("choices").path(0).path("text"));
        assertThat(again.path("routing").path("merged_digest"))
                .isEqualTo(answer.path("routing").path("merged_digest"));
        assertThat(shares(again)).isEqualTo(shares(answer));
    }

    @Test
    void everything_that_is_wrong_is_said_at_once() throws Exception {
        JsonNode error = refused(TWO
                + "'strategy':'linear','density':0.5,'seed':3,'min_score':1,'input_norm':'unit','weights':[1],"
                + "'candidates':2,'general_knowledge':{'experts':['t/e2']}");
        assertThat(error.path("code").asString()).isEqualTo("invalid_request");
        assertThat(error.path("violations").findValuesAsString("param"))
                .containsExactlyInAnyOrder(
                        "routing.density",
                        "routing.seed",
                        "routing.min_score",
                        "routing.input_norm",
                        "routing.weights",
                        "routing.candidates",
                        "routing.general_knowledge");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '^',
            value = {
                "'strategy':'weighted' | routing.weights",
                "'strategy':'weighted','weights':[1,2,3] | routing.weights",
                "'strategy':'weighted','weights':[] | routing.weights",
                "'strategy':'weighted','weights':[1,1001] | routing.weights",
                "'strategy':'weighted','weights':[1,'2'] | routing.weights",
                "'strategy':'ties','density':0 | routing.density",
                "'strategy':'ties','density':1.01 | routing.density",
                "'strategy':'ties','majority_sign':'most' | routing.majority_sign",
                "'strategy':'lag','candidates':0 | routing.candidates",
                "'strategy':'spectr','input_norm':'l2' | routing.input_norm",
                "'strategy':'spectr','min_score':'1' | routing.min_score",
                "'strategy':'phatgoose','input_norm':'unit' | routing.input_norm",
                "'strategy':'arrow','general_knowledge':{} | routing.general_knowledge.experts",
                "'strategy':'arrow','general_knowledge':{'experts':['t/e2'],'form':'all'} | routing.general_knowledge.form",
                "'strategy':'arrow','general_knowledge':{'experts':['t/e1']} | routing.general_knowledge.experts",
                "'strategy':'arrow','general_knowledge':{'experts':['t/e2'],'mode':1} | routing.general_knowledge.mode",
                "'strategy':'best' | routing.strategy",
            })
    void a_parameter_that_is_wrong_is_named(String routing, String param) throws Exception {
        assertThat(refused(TWO + routing).path("param").asString()).isEqualTo(param);
    }

    @Test
    void a_general_adapter_that_is_unknown_is_not_found() throws Exception {
        HttpResponse<String> response = post(TWO + "'strategy':'arrow','general_knowledge':{'experts':['t/nobody']}");
        assertThat(response.statusCode()).isEqualTo(404);
        assertThat(JSON.readTree(response.body()).path("error").path("param").asString())
                .isEqualTo("routing.general_knowledge.experts");
    }
}
