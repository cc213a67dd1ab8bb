package io.quiver.decoder.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ChatTemplateTest {
    private static final ChatMessage HELLO = new ChatMessage("user", "Hello");
    private static final String SMOLLM2 = "{% for message in messages %}{% if loop.first and messages[0]['role'] != "
            + "'system' %}{{ '<|im_start|>system\\nYou are a helpful AI assistant named SmolLM, trained by Hugging"
            + " Face<|im_end|>\\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] +"
            + " '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif"
            + " %}";

    private static String render(String template, ChatMessage... messages) {
        return new ChatTemplate(template, Map.of("bos_token", "<s>", "eos_token", "</s>"))
                .render(List.of(messages), true);
    }

    @Test
    void the_golden_chat_is_rendered_and_encoded_as_by_the_reference() {
        JsonNode chat = JsonMapper.builder()
                .build()
                .readTree(TokenizerTest.resource("cases.json").toFile())
                .path("chat");
        List<ChatMessage> messages = new ArrayList<>();
        for (JsonNode message : chat.path("messages")) {
            messages.add(new ChatMessage(
                    message.path("role").asString(), message.path("content").asString()));
        }
        String text = ChatTemplateFile.read(TokenizerTest.resource("llama"))
                .orElseThrow()
                .render(messages, true);
        assertThat(text).isEqualTo(chat.path("text").asString());
        try (Tokenizer tokenizer = Tokenizer.open(TokenizerTest.resource("llama"))) {
            int[] ids = tokenizer.encode(text, false);
            assertThat(ids).hasSize(chat.path("ids").size());
            for (int i = 0; i < ids.length; i++) {
                assertThat(ids[i]).isEqualTo(chat.path("ids").path(i).asInt());
            }
        }
    }

    @Test
    void a_template_with_a_default_system_message_adds_it_only_when_there_is_none() {
        assertThat(render(SMOLLM2, HELLO))
                .isEqualTo("<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging"
                        + " Face<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n");
        assertThat(render(SMOLLM2, new ChatMessage("system", "Be brief."), HELLO))
                .isEqualTo("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n"
                        + "<|im_start|>assistant\n");
    }

    @Test
    void blocks_leave_no_blank_lines_and_no_indentation() {
        String template = """
                {{ bos_token }}
                {%- for message in messages %}
                    {%- if message.role == 'user' %}
                [{{ message.content | trim }}]
                    {%- else %}
                ({{ message.content }}){{ eos_token }}
                    {%- endif %}
                {%- endfor %}
                {% if add_generation_prompt %}
                    {{ '>' }}
                {% endif %}
                """;
        assertThat(render(template, new ChatMessage("user", " a "), new ChatMessage("assistant", "b")))
                .isEqualTo("<s>[a](b)</s>    >\n");
    }

    @Test
    void the_last_line_break_of_a_template_file_is_not_part_of_the_text() {
        assertThat(render("{{ messages[0].content }}\n", HELLO)).isEqualTo("Hello");
        assertThat(render("{{ messages[0].content }}\n\n", HELLO)).isEqualTo("Hello\n");
    }

    @Test
    void slices_namespaces_and_loop_variables_work() {
        String template = """
                {%- if messages[0]['role'] == 'system' -%}
                  {%- set system_message = messages[0]['content'] -%}{%- set rest = messages[1:] -%}
                {%- else -%}
                  {%- set system_message = '' -%}{%- set rest = messages -%}
                {%- endif -%}
                {%- set ns = namespace(turns=0) -%}
                {%- for m in rest -%}
                  {%- set ns.turns = ns.turns + 1 -%}
                  {{- loop.index0 ~ ':' ~ m['content'] -}}
                  {%- if loop.last and system_message -%}{{- '/' ~ system_message -}}{%- endif -%}
                  {{- ';' -}}
                {%- endfor -%}
                {{- ns.turns -}}
                {%- if tools is defined -%}TOOLS{%- endif -%}
                """;
        assertThat(render(template, new ChatMessage("system", "S"), HELLO, new ChatMessage("assistant", "Hi")))
                .isEqualTo("0:Hello;1:Hi/S;2");
    }

    @Test
    void methods_of_python_strings_work() {
        assertThat(
                        render(
                                "{{ '\\n a \\n'.strip() }}|{{ 'xxaxx'.strip('x') }}|{{ ' a '.lstrip() }}|{{ ' a '.rstrip() }}|"))
                .isEqualTo("a|a|a | a|");
        assertThat(render("{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith('ab') }}{{ 'a-b'.split('-')[-1].upper() }}"))
                .isEqualTo("truefalseB");
    }

    @Test
    void a_loop_that_the_engine_would_misread_is_refused() {
        assertThatThrownBy(
                        () -> render("{%- for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}", HELLO))
                .isInstanceOf(ChatTemplateException.class)
                .hasMessageContaining("for … if");
    }

    @Test
    void a_conversation_that_the_template_refuses_is_refused_with_its_words() {
        String template = "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
                + "{{ raise_exception('Roles must alternate') }}{% endif %}{{ m['content'] }}{% endfor %}";
        assertThat(render(template, HELLO)).isEqualTo("Hello");
        assertThatThrownBy(() -> render(template, HELLO, HELLO))
                .isInstanceOf(ChatTemplateException.class)
                .hasMessageContaining("Roles must alternate");
    }

    @Test
    void what_a_person_writes_is_never_run_as_a_template() {
        assertThat(render("{{ messages[0].content }}", new ChatMessage("user", "{{ bos_token }}{% if %}")))
                .isEqualTo("{{ bos_token }}{% if %}");
    }

    @Test
    void a_broken_template_is_an_error_and_not_an_empty_text() {
        assertThatThrownBy(() -> render("{% for m in messages %}{{ m.content }", HELLO))
                .isInstanceOf(ChatTemplateException.class);
    }

    @Test
    void java_and_files_cannot_be_reached() {
        for (String attack : List.of(
                "{{ messages.getClass().forName('java.lang.Runtime') }}",
                "{{ ''.class.forName('java.lang.Runtime').getRuntime() }}",
                "{% include '/etc/passwd' %}",
                "{% import '/etc/passwd' as p %}")) {
            String outcome;
            try {
                outcome = render(attack, HELLO);
            } catch (ChatTemplateException e) {
                outcome = "";
            }
            assertThat(outcome).as(attack).doesNotContain("java").doesNotContain("root:");
        }
    }

    @Test
    @Timeout(20)
    void a_template_that_would_never_end_is_stopped() {
        String nested = "{% for a in range(10000) %}{% for b in range(10000) %}{% for c in range(10000) %}"
                + "{% if a == -1 %}x{% endif %}{% endfor %}{% endfor %}{% endfor %}";
        assertThatThrownBy(() -> render(nested, HELLO)).isInstanceOf(ChatTemplateException.class);
    }

    @Test
    void a_template_whose_output_grows_without_bound_is_stopped() {
        String growing = "{% for a in range(1000) %}{% for b in range(1000) %}{{ 'xxxxxxxxxxxxxxxx' }}{% endfor %}"
                + "{% endfor %}";
        assertThatThrownBy(() -> render(growing, HELLO)).isInstanceOf(ChatTemplateException.class);
    }

    @Test
    void a_template_is_found_in_a_file_of_its_own_in_the_configuration_or_in_a_list(@TempDir Path folder)
            throws IOException {
        assertThat(ChatTemplateFile.read(folder)).isEmpty();
        Path config = folder.resolve("tokenizer_config.json");
        Files.writeString(
                config,
                "{\"chat_template\":[{\"name\":\"tool_use\",\"template\":\"no\"},{\"name\":\"default\","
                        + "\"template\":\"{{ bos_token }}list\"}],\"bos_token\":{\"content\":\"<b>\"}}");
        assertThat(ChatTemplateFile.read(folder).orElseThrow().render(List.of(), false))
                .isEqualTo("<b>list");
        Files.writeString(folder.resolve("chat_template.jinja"), "{{ bos_token }}file");
        assertThat(ChatTemplateFile.read(folder).orElseThrow().render(List.of(), false))
                .isEqualTo("<b>file");
    }
}
