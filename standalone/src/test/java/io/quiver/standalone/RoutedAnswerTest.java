package io.quiver.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.terminal.Terminal;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class RoutedAnswerTest {
    private static final String DECISION = """
            "decisions": [{"choice": 0, "chosen": ["quickstart/reverse-word"], "threshold": 2.5, "ranking": [
              {"name": "quickstart/reverse-word", "version": 1, "score": 6.14, "stand_out": 5.44},
              {"name": "quickstart/shout", "version": 1, "score": 1.26, "stand_out": 0.2},
              {"name": "quickstart/plural", "version": 1, "score": 0.3, "stand_out": 0.1},
              {"name": "quickstart/spell-out", "version": 1, "score": -0.3, "stand_out": -0.1}]}]
            """;
    private static final String BODY = """
            {"choices": [{"message": {"role": "assistant", "content": "guh!"}}],
             "routing": {"strategy": "evidence", "library_size": 4,
               "experts": [{"name": "quickstart/reverse-word", "version": 1, "share": 1.0}], %s}}
            """.formatted(DECISION);
    private static final List<String> LIBRARY =
            List.of("quickstart/plural", "quickstart/reverse-word", "quickstart/shout", "quickstart/spell-out");

    private static final Terminal PLAIN = new Terminal(System.out, System.err, false, false, 80);
    private static final Terminal IN_COLOUR = new Terminal(System.out, System.err, true, true, 80);

    private final RoutedAnswer answer = of(BODY);

    @Test
    void an_answer_has_the_colour_of_its_expert_s_place_in_the_library() {
        assertThat(answer.painted(PLAIN, LIBRARY)).isEqualTo("guh!");
        assertThat(answer.painted(IN_COLOUR, LIBRARY)).isEqualTo("\u001b[38;5;208mguh!\u001b[0m");
    }

    @Test
    void the_three_best_are_shown_with_their_scores() {
        assertThat(answer.reasons(PLAIN, LIBRARY)).isEqualTo("reverse-word 6.1  shout 1.3  plural 0.3");
        assertThat(answer.reasons(IN_COLOUR, LIBRARY)).startsWith("\u001b[38;5;208mreverse-word\u001b[0m 6.1");
    }

    @Test
    void an_answer_of_the_base_says_how_far_the_best_was_from_the_threshold() {
        RoutedAnswer base = of(BODY.replaceFirst("\"experts\": \\[\\{[^}]*}]", "\"experts\": []")
                .replace("5.44", "1.94"));
        assertThat(base.chosen()).isEmpty();
        assertThat(base.painted(IN_COLOUR, LIBRARY)).isEqualTo("guh!");
        assertThat(base.reasons(PLAIN, LIBRARY)).endsWith("(stands out by 1.9 of 2.5: the base answered)");
    }

    @Test
    void only_a_choice_by_evidence_among_the_whole_library_counts_as_such() {
        assertThat(answer.isByEvidenceAmong(4)).isTrue();
        assertThat(answer.isByEvidenceAmong(5)).isFalse();
        assertThat(of(BODY.replace("\"evidence\"", "\"arrow\"")).isByEvidenceAmong(4))
                .isFalse();
    }

    @Test
    void what_a_model_makes_up_cannot_steer_the_terminal() {
        assertThat(of(BODY.replace("guh!", "\\u001b[2J")).painted(PLAIN, LIBRARY))
                .isEqualTo("\uFFFD[2J");
    }

    @Test
    void an_answer_without_a_decision_is_shown_as_it_is() {
        RoutedAnswer plain = of("{\"choices\": [{\"message\": {\"content\": \"guh\"}}]}");
        assertThat(plain.painted(PLAIN, LIBRARY)).isEqualTo("guh");
        assertThat(plain.reasons(PLAIN, LIBRARY)).isEmpty();
    }

    private static RoutedAnswer of(String body) {
        return RoutedAnswer.of(JsonMapper.shared().readTree(body));
    }
}
