package io.quiver.decoder.evidence;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.decoder.text.ChatTemplate;
import io.quiver.decoder.text.ChatTemplateFile;
import io.quiver.decoder.text.Tokenizer;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class UserTurnTest {
    private Tokenizer tokenizer;

    static Path folder() {
        try {
            return Path.of(UserTurnTest.class.getResource("/text/llama").toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    @BeforeEach
    void open() {
        tokenizer = Tokenizer.open(folder());
    }

    @AfterEach
    void close() {
        tokenizer.close();
    }

    private String text(int[] tokens, int from) {
        return tokenizer.decode(Arrays.copyOfRange(tokens, from, tokens.length), false);
    }

    @Test
    void a_request_to_a_chat_model_is_its_template_around_the_words() {
        UserTurn turn = UserTurn.of(tokenizer, ChatTemplateFile.read(folder()));
        assertThat(text(turn.prefix(), 0)).isEqualTo("<s><|user|>\n");
        int[] request = turn.request("some words").orElseThrow();
        assertThat(request).startsWith(turn.prefix());
        assertThat(text(request, turn.prefix().length)).isEqualTo("some words\n<|assistant|>\n");
    }

    @Test
    void a_request_to_a_model_without_template_is_what_its_tokenizer_makes_of_the_words() {
        UserTurn turn = UserTurn.of(tokenizer, Optional.empty());
        assertThat(text(turn.prefix(), 0)).isEqualTo("<s>");
        assertThat(turn.request("some words")).contains(tokenizer.encode("some words", true));
        assertThat(turn.request("")).isEmpty();
    }

    @Test
    void a_template_that_refuses_a_users_turn_is_not_used() {
        ChatTemplate strict = new ChatTemplate("{{ raise_exception('a system message is needed') }}", Map.of());
        UserTurn turn = UserTurn.of(tokenizer, Optional.of(strict));
        assertThat(turn.request("some words")).contains(tokenizer.encode("some words", true));
    }

    @Test
    void words_that_change_what_requests_begin_with_make_no_request() {
        ChatTemplate shouting = new ChatTemplate(
                "{% if messages[0]['content'] == 'stop' %}END{% else %}Go: {{ messages[0]['content'] }}{% endif %}",
                Map.of());
        UserTurn turn = UserTurn.of(tokenizer, Optional.of(shouting));
        assertThat(turn.request("on")).isPresent();
        assertThat(turn.request("stop")).isEmpty();
    }
}
