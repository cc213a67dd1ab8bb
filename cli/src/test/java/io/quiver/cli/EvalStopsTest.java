package io.quiver.cli;

import static io.quiver.cli.TwoSkills.CHAT;
import static io.quiver.cli.TwoSkills.EXPLAIN;
import static io.quiver.cli.TwoSkills.JSON;
import static io.quiver.cli.TwoSkills.QUESTIONS;
import static io.quiver.cli.TwoSkills.answer;
import static io.quiver.cli.TwoSkills.figures;
import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.cli.ContractServer.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What keeps an evaluation from its end, what is said of it, and how it goes on. */
class EvalStopsTest {
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
    void a_full_router_is_asked_again_when_it_says_so() throws IOException {
        List<Answer> refusals = Collections.synchronizedList(new ArrayList<>(List.of(
                new Answer(429, "application/json", "{\"error\":{\"code\":\"queue_full\",\"message\":\"full\"}}", "7"),
                new Answer(
                        503,
                        "application/json",
                        "{\"error\":{\"code\":\"model_loading\",\"message\":\"wait\"}}",
                        "2"))));
        router.server.on(CHAT, request -> refusals.isEmpty() ? answer(request) : refusals.remove(0));

        assertThat(router.run(QUESTIONS, "--strategies", "oracle")).isZero();

        assertThat(refusals).isEmpty();
        assertThat(router.pauses)
                .anySatisfy(pause -> assertThat(pause).isBetween(Duration.ofSeconds(6), Duration.ofSeconds(7)))
                .anySatisfy(pause -> assertThat(pause).isBetween(Duration.ofSeconds(1), Duration.ofSeconds(2)));
    }

    @Test
    void what_the_router_says_of_each_strategy_that_it_refuses_is_shown_and_nothing_is_evaluated() throws IOException {
        router.server.on(
                CHAT,
                request -> request.text().contains("evidense") || request.text().contains("\"top_k\"")
                        ? Answer.json(
                                400,
                                "{\"error\":{\"code\":\"invalid_request\",\"message\":\"must be one of arrow, base\",\"param\":\"routing.strategy\"}}")
                        : answer(request));

        assertThat(router.run(QUESTIONS, "--strategies", "oracle,evidense,uniform:top_k=1"))
                .isEqualTo(ExitStatus.REFUSED);

        assertThat(router.shown.err())
                .contains("✗ strategy evidense (invalid_request): must be one of arrow, base (routing.strategy)")
                .contains("✗ strategy uniform:top_k=1 (invalid_request)");
        assertThat(router.shown.out()).isEmpty();
    }

    @Test
    void evidence_is_among_the_strategies_and_where_it_cannot_be_had_it_is_said_what_to_do() throws IOException {
        router.server.on(
                CHAT,
                request -> request.text().contains("\"evidence\"")
                        ? Answer.json(400, "{\"error\":{\"code\":\"not_calibrated\",\"message\":\"no calibration\"}}")
                        : answer(request));

        assertThat(router.run(QUESTIONS)).isEqualTo(ExitStatus.REFUSED);

        assertThat(router.shown.err())
                .contains("✗ strategy evidence (not_calibrated): no calibration")
                .contains("quiver base calibrate NAME");
    }

    @Test
    void a_run_that_breaks_off_goes_on_where_it_was() throws IOException {
        Path out = folder.resolve("answers.jsonl");
        // The last question, so that none is on its way when the run ends.
        router.server.on(CHAT, request -> request.text().contains("Hello!") ? Answer.json(500, "{}") : answer(request));
        String[] options = {"--strategies", "oracle", "--concurrency", "1", "--out", out.toString()};
        assertThat(router.run(QUESTIONS, options)).isEqualTo(ExitStatus.REFUSED);
        assertThat(router.shown.err())
                .contains("each answer goes to " + out + "; the same command goes on from there")
                .contains("what was answered stands in " + out);
        assertThat(Files.readAllLines(out)).hasSize(4);
        // Killed in the middle of a line.
        Files.writeString(out, "{\"strategy\":\"ora", StandardOpenOption.APPEND);

        router.server.on(CHAT, TwoSkills::answer);
        int before = router.server.received.size();
        Path json = folder.resolve("result.json");
        String[] again = Stream.concat(Stream.of(options), Stream.of("--json", json.toString()))
                .toArray(String[]::new);
        assertThat(router.run(QUESTIONS, again)).isZero();

        assertThat(router.server.received.stream()
                        .skip(before)
                        .filter(received -> received.line().equals(CHAT)))
                .as("one to try the strategy out, and the question that was open")
                .hasSize(2);
        assertThat(figures(JSON.readTree(Files.readString(json)), "oracle")).isEqualTo("3 of 3, choice -");
        assertThat(Files.readAllLines(out)).hasSize(5).allMatch(line -> line.endsWith("}"));

        assertThat(router.run(QUESTIONS, options)).isZero();
        assertThat(router.shown.out().lines().map(line -> line.replaceAll(" +", " ")))
                .as("nothing was asked")
                .anySatisfy(line -> assertThat(line).startsWith("oracle 1.000 1.000 – – "));

        router.server.on(EXPLAIN, request -> Answer.json(200, """
                {"base":{"name":"tiny"},"variants":[{"routing":{"experts":[
                 {"name":"ns/sql","version":4},{"name":"ns/when","version":1}]}}]}"""));
        assertThat(router.run(QUESTIONS, options)).isEqualTo(ExitStatus.USAGE);
        assertThat(router.shown.err()).contains("answers of another library");
    }

    @Test
    void skills_without_an_adapter_are_all_named_with_what_to_do() throws IOException {
        String questions = """
                [{"skill":"sql","prompt":"a","answer":"b"},{"skill":"poems","prompt":"a","answer":"b"},
                 {"skill":"chess","prompt":"a","answer":"b"}]""";

        assertThat(router.run(questions, "--adapter", "chess=ns/nobody")).isEqualTo(ExitStatus.USAGE);
        assertThat(router.shown.err())
                .contains("chess should be ns/nobody, which is not in it; poems has none.")
                .contains(
                        "The library is ns/sql:3, ns/when:1. Push what is missing, widen --library, or say --adapter");
        assertThat(router.run(
                        questions,
                        "--adapter",
                        "chess=ns/when",
                        "--adapter",
                        "poems=ns/when:1",
                        "--strategies",
                        "base"))
                .isZero();
    }

    @Test
    void a_file_that_holds_no_questions_is_a_usage_error_that_shows_the_form() throws IOException {
        for (String questions : List.of(
                "",
                "{}",
                "[]",
                "[1]",
                "[{\"skill\":\"a\",\"answer\":\"b\"}]",
                "[{\"skill\":\"a\",\"prompt\":\"b\"}]",
                "[{\"prompt\":3}]")) {
            assertThat(router.run(questions)).as(questions).isEqualTo(ExitStatus.USAGE);
        }
        assertThat(router.shown.err().split("a JSON array of", -1)).hasSize(8);
        assertThat(router.run(QUESTIONS, "--strategies", "arrow:3")).isEqualTo(ExitStatus.USAGE);
        assertThat(router.run(QUESTIONS, "--concurrency", "65")).isEqualTo(ExitStatus.USAGE);
        assertThat(router.run(QUESTIONS, "--concurrency", "0")).isEqualTo(ExitStatus.USAGE);
        assertThat(router.server.received).isEmpty();
    }
}
