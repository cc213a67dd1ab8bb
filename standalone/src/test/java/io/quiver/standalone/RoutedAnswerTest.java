package io.quiver.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.terminal.Terminal;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class RoutedAnswerTest {
    private static final String BODY = """
            {"choices": [{"message": {"role": "assistant", "content": "guh!"}}],
             "routing": {
               "experts": [{"name": "quickstart/shout", "share": 0.204}, {"name": "quickstart/reverse-word", "share": 0.792},
                           {"name": "quickstart/plural", "share": 0.004}],
               "trace": {"tokens": [{"token": 1, "text": "g", "expert": "quickstart/reverse-word"}, {"token": 2, "text": "u", "expert": "quickstart/reverse-word"},
                                    {"token": 3, "text": "h", "expert": "quickstart/shout"}, {"token": 4, "text": "!", "expert": "quickstart/reverse-word"}]}}}
            """;

    private static final Terminal PLAIN = new Terminal(System.out, System.err, false, false, 80);
    private static final Terminal IN_COLOUR = new Terminal(System.out, System.err, true, true, 80);

    private final RoutedAnswer answer = RoutedAnswer.of(JsonMapper.shared().readTree(BODY));

    @Test
    void without_colours_each_run_of_tokens_stands_behind_its_expert() {
        assertThat(answer.marked(PLAIN)).isEqualTo("[reverse-word]gu[shout]h[reverse-word]!");
    }

    @Test
    void with_colours_an_expert_has_the_colour_of_its_place_in_the_library() {
        assertThat(answer.marked(IN_COLOUR))
                .isEqualTo(
                        "\u001b[38;5;208mg\u001b[0m\u001b[38;5;208mu\u001b[0m\u001b[38;5;39mh\u001b[0m\u001b[38;5;208m!\u001b[0m");
    }

    @Test
    void shares_are_shown_from_the_largest_without_those_that_round_to_nothing() {
        assertThat(answer.shares(PLAIN)).isEqualTo("reverse-word 79 %  shout 20 %");
    }

    @Test
    void the_legend_names_the_whole_library() {
        assertThat(answer.legend(PLAIN)).isEqualTo("shout  reverse-word  plural");
        assertThat(answer.legend(IN_COLOUR)).startsWith("\u001b[38;5;39m■ shout\u001b[0m");
    }

    @Test
    void what_a_model_makes_up_cannot_steer_the_terminal() {
        var steering = RoutedAnswer.of(JsonMapper.shared().readTree(BODY.replace("\"g\"", "\"\\u001b[2J\"")));
        assertThat(steering.marked(PLAIN)).startsWith("[reverse-word]\uFFFD[2Ju");
    }

    @Test
    void an_answer_without_trace_is_shown_as_it_is() {
        var plain =
                RoutedAnswer.of(JsonMapper.shared().readTree("{\"choices\": [{\"message\": {\"content\": \"guh\"}}]}"));
        assertThat(plain.marked(PLAIN)).isEqualTo("guh");
        assertThat(plain.shares(PLAIN)).isEmpty();
    }
}
