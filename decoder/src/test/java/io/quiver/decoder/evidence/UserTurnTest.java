package io.quiver.decoder.evidence;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.decoder.text.ChatMessage;
import io.quiver.decoder.text.ChatTemplate;
import io.quiver.decoder.text.ChatTemplateFile;
import io.quiver.decoder.text.Tokenizer;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
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
    void evidence_of_a_conversation_begins_with_the_words_of_its_last_user() {
        ChatTemplate template = ChatTemplateFile.read(folder()).orElseThrow();
        UserTurn turn = UserTurn.of(tokenizer, Optional.of(template));
        ChatMessage system = new ChatMessage("system", "The words of a system");
        ChatMessage answer = new ChatMessage("assistant", "The answer");
        for (String words : List.of("The question", "a question", "7", "What?")) {
            ChatMessage question = new ChatMessage("user", words);
            for (List<ChatMessage> before : List.of(
                    List.<ChatMessage>of(),
                    List.of(system),
                    List.of(question, answer),
                    List.of(system, question, answer))) {
                List<ChatMessage> conversation = new ArrayList<>(before);
                conversation.add(question);
                int[] tokens = tokenizer.encode(template.render(conversation, true), false);
                assertThat(text(tokens, turn.firstToken(conversation))).isEqualTo(words + "\n<|assistant|>\n");
                conversation.add(answer);
                tokens = tokenizer.encode(template.render(conversation, true), false);
                assertThat(text(tokens, turn.firstToken(conversation)))
                        .startsWith(words + "\n<|assistant|>\nThe answer");
            }
        }
        assertThat(turn.firstToken(List.of(system, answer))).isZero();
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
