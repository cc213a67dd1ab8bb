package io.quiver.standalone;

import static org.assertj.core.api.Assertions.assertThat;

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

    private final RoutedAnswer answer = RoutedAnswer.of(JsonMapper.shared().readTree(BODY));

    @Test
    void without_colours_each_run_of_tokens_stands_behind_its_expert() {
        assertThat(answer.marked(new Colours(false))).isEqualTo("[reverse-word]gu[shout]h[reverse-word]!");
    }

    @Test
    void with_colours_an_expert_keeps_its_colour() {
        assertThat(answer.marked(new Colours(true)))
                .isEqualTo("\u001b[38;5;39mgu\u001b[0m\u001b[38;5;208mh\u001b[0m\u001b[38;5;39m!\u001b[0m");
    }

    @Test
    void shares_are_shown_from_the_largest_without_those_that_round_to_nothing() {
        assertThat(answer.shares(new Colours(false))).isEqualTo("reverse-word 79 %  shout 20 %");
    }

    @Test
    void an_answer_without_trace_is_shown_as_it_is() {
        var plain =
                RoutedAnswer.of(JsonMapper.shared().readTree("{\"choices\": [{\"message\": {\"content\": \"guh\"}}]}"));
        assertThat(plain.marked(new Colours(false))).isEqualTo("guh");
        assertThat(plain.shares(new Colours(false))).isEmpty();
    }
}
