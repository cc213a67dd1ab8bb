package io.quiver.schemas;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.schemas.ExamplePrompts.Fault;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ExamplePromptsTest {
    private final List<Fault> faults = new ArrayList<>();

    private List<String> read(String text) {
        return ExamplePrompts.read(text.getBytes(StandardCharsets.UTF_8), faults);
    }

    private static String lines(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> "{\"prompt\": \"number " + i + "\"}\n")
                .collect(Collectors.joining());
    }

    @Test
    void prompts_are_read_in_their_order_and_empty_lines_count_for_nothing() {
        String text =
                "{\"prompt\":\"one\"}\n\n{\"prompt\":\"zwei ß\"}\r\n  \n{\"prompt\":\"a\\nb\"}\n{\"prompt\":\"four\"}";
        assertThat(read(text)).containsExactly("one", "zwei ß", "a\nb", "four");
        assertThat(faults).isEmpty();
    }

    @Test
    void counts_at_the_limits_are_read_and_beyond_them_are_faults() {
        for (int count : new int[] {ExamplePrompts.COUNT_MIN, ExamplePrompts.COUNT_MAX}) {
            assertThat(read(lines(count))).hasSize(count);
        }
        assertThat(faults).isEmpty();
        for (int count : new int[] {0, ExamplePrompts.COUNT_MIN - 1, ExamplePrompts.COUNT_MAX + 1}) {
            faults.clear();
            read(lines(count));
            assertThat(faults).singleElement().satisfies(fault -> {
                assertThat(fault.line()).isZero();
                assertThat(fault.message()).contains("there are " + count + " examples");
            });
        }
    }

    @Test
    void a_prompt_at_the_limit_is_read_and_a_longer_one_is_a_fault() {
        String longest = "x".repeat(ExamplePrompts.PROMPT_CHARS_MAX);
        assertThat(read(lines(3) + "{\"prompt\": \"" + longest + "\"}")).contains(longest);
        assertThat(faults).isEmpty();
        read(lines(3) + "{\"prompt\": \"x" + longest + "\"}");
        assertThat(faults)
                .singleElement()
                .satisfies(fault -> assertThat(fault.line()).isEqualTo(4));
    }

    @Test
    void a_file_at_the_limit_of_bytes_is_read_and_one_byte_more_is_not() {
        String text = lines(4);
        String longest = text + " ".repeat(ExamplePrompts.BYTES_MAX - text.length());
        assertThat(read(longest)).hasSize(4);
        assertThat(faults).isEmpty();
        assertThat(read(longest + " ")).isEmpty();
        assertThat(faults).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "no json",
                "[]",
                "\"text\"",
                "{}",
                "{\"prompt\": 1}",
                "{\"prompt\": \" \"}",
                "{\"prompt\": \"a\", \"answer\": \"b\"}",
                "{\"prompt\": \"number 2\"}"
            })
    void a_line_that_is_no_new_prompt_is_a_fault_with_its_number(String line) {
        assertThat(read(lines(5) + line)).hasSize(5);
        assertThat(faults).extracting(Fault::line).containsExactly(6);
    }

    @Test
    void all_faults_are_told_at_once_up_to_a_number() {
        read("a\nb\n" + lines(4));
        assertThat(faults).extracting(Fault::line).containsExactly(1, 2);
        faults.clear();
        read("a\n".repeat(100));
        assertThat(faults).hasSize(20);
    }

    @Test
    void bytes_that_are_no_text_are_a_fault() {
        assertThat(ExamplePrompts.read(new byte[] {(byte) 0xff, 0}, faults)).isEmpty();
        assertThat(faults)
                .singleElement()
                .satisfies(fault -> assertThat(fault.message()).contains("UTF-8"));
    }
}
