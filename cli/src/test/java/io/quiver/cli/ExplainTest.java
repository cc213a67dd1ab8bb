package io.quiver.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class ExplainTest {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String EXPLAIN = "POST /v1/routing:explain";
    private static final String EVIDENCE = """
            {"variants":[{"routing":{"strategy":"evidence","experts":[{"name":"ns/b","version":2,"share":1.0}],
              "decisions":[{"choice":0,"chosen":["ns/b"],"threshold":1.72,"best":"ns/b","runner_up":"ns/a","ranking":[
               {"name":"ns/b","version":2,"score":6.1,"stand_out":5.4},{"name":"ns/a","version":1,"score":1.3,"stand_out":0.2},
               {"name":"ns/c","version":1,"score":0.1,"stand_out":0.1},{"name":"ns/d","version":1,"score":0,"stand_out":0}]}]},
             "evidence":{"experts":["ns/a","ns/b","ns/c","ns/d"],"first_token":1,"tokens":[
               {"token":0,"text":"<|im_start|>","evidence":[9,9,9,9]},
               {"token":1,"text":"Trans","evidence":[1,3,0,0]},{"token":2,"text":"late","evidence":[0,1,0,0]},
               {"token":3,"text":" into","evidence":[-1,4,0,0]},{"token":4,"text":"<|im_end|>","evidence":[0,0,0,0]}]}}]}""";
    private static final String ARROW = """
            {"tokens":[{"token":1,"text":"Hi"},{"token":2,"text":" you"}],
             "variants":[{"routing":{"strategy":"arrow","experts":[{"name":"ns/a","version":1,"share":0.25},{"name":"ns/b","version":2,"share":0.75}]},
              "tokens":[{"expert":"ns/a","shares":[0.5,0.5]},{"expert":"ns/b","shares":[0.0,1.0]}]}]}""";

    private final ContractServer server = new ContractServer();

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void without_colours_each_word_that_counts_has_its_evidence_and_bars_for_the_three_leading_experts() {
        Shown shown = explained(Shown.inAPipe(), EVIDENCE);

        assertThat(shown.out()).isEqualTo("So.\n");
        assertThat(shown.err().lines().toList())
                .startsWith(
                        "evidence  threshold of stand-out 1.72",
                        "ns/b:2  score 6.10  stand-out 5.40  chosen",
                        "ns/a:1  score 1.30  stand-out 0.20  runner-up",
                        "ns/c:1  score 0.10  stand-out 0.10",
                        "  Translate     2.00 █████         0.50 █▎            0.00",
                        "  into          4.00 ██████████   -1.00               0.00",
                        "  <|im_end|>    0.00               0.00               0.00",
                        "  and 1 more experts, which lead nowhere");
        assertThat(shown.err()).doesNotContain("im_start").doesNotContain("\u001b");
    }

    @Test
    void on_a_terminal_the_prompt_is_painted_once_for_each_leading_expert() {
        Shown shown = explained(Shown.onATerminal(), EVIDENCE);

        assertThat(shown.out())
                .contains("  \u001b[48;5;161;38;5;231mTranslate\u001b[0m\u001b[48;5;227;38;5;16m into\u001b[0m")
                .contains("  \u001b[48;5;53;38;5;255mTranslate\u001b[0m\u001b[48;5;236;38;5;252m into\u001b[0m")
                .contains("\u001b[1mns/b:2\u001b[0m")
                .endsWith("So.\n");
    }

    @Test
    void nobody_who_stands_out_is_said_plainly() {
        Shown shown = explained(Shown.inAPipe(), EVIDENCE.replace("\"chosen\":[\"ns/b\"]", "\"chosen\":[]"));

        assertThat(shown.err())
                .contains("threshold of stand-out 1.72: nobody reaches it, the base answers alone")
                .contains("ns/b:2  score 6.10  stand-out 5.40  best, but does not stand out");
    }

    @Test
    void where_examples_were_compared_the_similarity_and_the_fit_are_shown() {
        Shown shown = explained(
                Shown.inAPipe(),
                EVIDENCE.replace("\"stand_out\":5.4}", "\"stand_out\":5.4,\"similarity\":0.61,\"fit\":7.0}"));

        assertThat(shown.err()).contains("ns/b:2  score 6.10  stand-out 5.40  examples 0.61  fit 7.00  chosen");
    }

    @Test
    void a_gate_that_decides_per_token_shows_the_shares_of_all_tokens() {
        Shown shown = explained(Shown.inAPipe(), ARROW);

        assertThat(shown.err().lines().toList())
                .startsWith(
                        "arrow",
                        "ns/b:2  75.0 % of the prompt",
                        "ns/a:1  25.0 % of the prompt",
                        "  Hi     0.50 █████         0.50 █████",
                        "  you    1.00 ██████████    0.00");
    }

    @Test
    void where_nothing_is_decided_that_is_said() {
        Shown shown = explained(
                Shown.inAPipe(),
                "{\"tokens\":[],\"variants\":[{\"routing\":{\"strategy\":\"base\",\"experts\":[]},\"tokens\":[]}]}");

        assertThat(shown.err()).startsWith("base\n  no expert is asked");
    }

    @Test
    void the_explanation_is_asked_for_with_the_routing_of_the_answer() {
        explained(Shown.inAPipe(), ARROW, "--library", "ns/a,ns/b", "--top-k", "2", "--system", "Be brief.");

        assertThat(JSON.readTree(server.received.get(0).body())).isEqualTo(JSON.readTree("""
                        {"model":"quiver","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"hi"}],
                         "variants":[{"experts":["ns/a","ns/b"],"top_k":2}]}"""));
    }

    private Shown explained(Shown shown, String explanation, String... options) {
        server.on(EXPLAIN, 200, explanation)
                .onStream(
                        "POST /v1/chat/completions",
                        "data: {\"choices\":[{\"delta\":{\"content\":\"So.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
        List<String> arguments = new ArrayList<>(List.of("ask", "hi", "--explain"));
        arguments.addAll(List.of(options));
        assertThat(shown.run(server.environment(), arguments.toArray(String[]::new)))
                .as(shown.err())
                .isZero();
        return shown;
    }
}
