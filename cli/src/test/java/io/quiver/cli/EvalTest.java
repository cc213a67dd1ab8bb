package io.quiver.cli;

import static io.quiver.cli.TwoSkills.CHAT;
import static io.quiver.cli.TwoSkills.EXPLAIN;
import static io.quiver.cli.TwoSkills.JSON;
import static io.quiver.cli.TwoSkills.QUESTIONS;
import static io.quiver.cli.TwoSkills.figures;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** What an evaluation asks, and what it makes of the answers. */
class EvalTest {
    @TempDir
    private Path folder;

    private TwoSkills router;

    @BeforeEach
    void start() {
        router = new TwoSkills(folder);
    }

    @AfterEach
    void stop() {
        router.close();
    }

    @Test
    void every_figure_of_the_file_is_what_the_router_s_answers_come_to() throws IOException {
        Path json = folder.resolve("result.json");

        assertThat(router.run(QUESTIONS, "--strategies", "oracle,arrow,uniform,base", "--json", json.toString()))
                .isZero();

        JsonNode result = JSON.readTree(Files.readString(json));
        assertThat(result.path("library")).isEqualTo(JSON.readTree("[\"ns/sql:3\",\"ns/when:1\"]"));
        assertThat(result.path("right_adapters"))
                .isEqualTo(JSON.readTree("{\"dates\":\"ns/when:1\",\"sql\":\"ns/sql:3\"}"));
        assertThat(figures(result, "oracle")).isEqualTo("3 of 3, choice -");
        assertThat(figures(result, "arrow")).isEqualTo("2 of 3, choice 0.5");
        assertThat(figures(result, "uniform")).isEqualTo("0 of 3, choice -");
        assertThat(figures(result, "base")).isEqualTo("0 of 3, choice -");
        JsonNode arrow = result.path("strategies").path(1);
        assertThat(arrow.path("chosen_by_skill"))
                .isEqualTo(
                        JSON.readTree("{\"\":{\"ns/sql:3\":1},\"dates\":{\"ns/sql:3\":1},\"sql\":{\"ns/sql:3\":2}}"));
        assertThat(arrow.path("by_wording").path("new").path("exact_match").doubleValue())
                .isEqualTo(0.5);
        assertThat(arrow.path("left_to_base").doubleValue()).isZero();
        assertThat(arrow.path("answers").size()).isEqualTo(4);
        assertThat(arrow.path("answers").path(0).path("answer").asString()).isEqualTo("SELECT");
    }

    @Test
    void tables_show_strategies_side_by_side_and_who_was_taken_for_whom() throws IOException {
        assertThat(router.run(QUESTIONS, "--strategies", "oracle,arrow")).isZero();

        List<String> lines = router.shown
                .out()
                .lines()
                .map(line -> line.replaceAll(" +", " "))
                .toList();
        assertThat(lines.get(0)).isEqualTo("4 questions, 2 adapters on tiny, 8 questions at a time");
        assertThat(lines)
                .contains("chosen by arrow, right 1 2 base", "1 ns/sql:3 2 · ·", "2 ns/when:1 1 · ·", "base 1 · ·")
                .anySatisfy(line -> assertThat(line).startsWith("oracle 1.000 1.000 – "))
                .anySatisfy(line -> assertThat(line).startsWith("arrow 0.667 0.667 0.500 "))
                .contains("dates 1.000 0.000 1");
        assertThat(router.shown.err()).contains("100 %  4 of 4");
    }

    @Test
    void the_whole_library_is_pinned_and_settings_go_with_their_strategy() throws IOException {
        assertThat(router.run(
                        QUESTIONS,
                        "--library",
                        "skill=x",
                        "--strategies",
                        "oracle,arrow:top_k=1:input_norm=unit",
                        "--per-skill",
                        "1"))
                .isZero();

        assertThat(router.sent(EXPLAIN, 0).path("variants"))
                .isEqualTo(JSON.readTree("[{\"selector\":\"skill=x\",\"strategy\":\"uniform\"}]"));
        List<JsonNode> routings = Stream.iterate(0, i -> i + 1)
                .limit(8)
                .map(i -> router.sent(CHAT, i).path("routing"))
                .toList();
        assertThat(routings)
                .contains(
                        JSON.readTree("{\"experts\":[\"ns/sql:3\"],\"strategy\":\"single\"}"),
                        JSON.readTree("{\"experts\":[\"ns/when:1\"],\"strategy\":\"single\"}"),
                        JSON.readTree("{\"strategy\":\"base\"}"),
                        JSON.readTree(
                                "{\"experts\":[\"ns/sql:3\",\"ns/when:1\"],\"strategy\":\"arrow\",\"top_k\":1,\"input_norm\":\"unit\"}"));
        assertThat(router.sent(CHAT, 2).path("temperature").intValue()).isZero();
    }

    @Test
    void an_answer_gets_as_many_tokens_as_it_has_bytes_and_two() throws IOException {
        assertThat(router.run("[{\"skill\":\"sql\",\"prompt\":\"all\",\"answer\":\"né\"}]", "--strategies", "oracle"))
                .isZero();

        assertThat(router.sent(CHAT, 1).path("max_tokens").intValue()).isEqualTo(5);
    }
}
