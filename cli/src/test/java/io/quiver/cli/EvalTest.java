package io.quiver.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.cli.ContractServer.Answer;
import io.quiver.cli.ContractServer.Received;
import io.quiver.client.Pause;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class EvalTest {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String CHAT = "POST /v1/chat/completions";
    private static final String EXPLAIN = "POST /v1/routing:explain";
    private static final String QUESTIONS = """
            [{"skill":"sql","prompt":"all players","answer":"SELECT","wording":"trained"},
             {"skill":"sql","prompt":"all clubs","answer":"SELECT","wording":"new"},
             {"skill":"dates","prompt":"Ada, 10 May","answer":"05-10","wording":"new"},
             {"skill":null,"prompt":"Hello!"}]""";

    private final ContractServer server = new ContractServer();
    private final Shown shown = Shown.inAPipe();
    private final List<Duration> pauses = Collections.synchronizedList(new ArrayList<>());

    private final AtomicLong elapsedNanos = new AtomicLong();

    @TempDir
    private Path folder;

    @BeforeEach
    void a_library_of_two() {
        server.on(EXPLAIN, 200, """
                {"base":{"name":"tiny"},"variants":[{"routing":{"experts":[
                 {"name":"ns/sql","version":3},{"name":"ns/when","version":1}]}}]}""").on("GET /v1/experts", 200, """
                {"data":[{"name":"ns/sql","version":3,"labels":{}},{"name":"ns/when","version":1,"labels":{"skill":"dates"}}]}""").on(CHAT, EvalTest::answer);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    /** A router whose oracle is right, whose arrow takes the first adapter for everything, and whose base knows nothing. */
    private static Answer answer(Received request) {
        JsonNode body = JSON.readTree(request.body());
        String prompt = body.path("messages").path(0).path("content").asString("");
        JsonNode routing = body.path("routing");
        String strategy = routing.path("strategy").asString("");
        boolean sql = prompt.startsWith("all");
        boolean right = strategy.equals("single") || (strategy.equals("arrow") && sql);
        String experts = switch (strategy) {
            case "single" ->
                "{\"name\":\"ns/%s\",\"version\":%d,\"share\":1.0}".formatted(sql ? "sql" : "when", sql ? 3 : 1);
            case "arrow" ->
                "{\"name\":\"ns/sql\",\"version\":3,\"share\":0.7},{\"name\":\"ns/when\",\"version\":1,\"share\":0.3}";
            case "uniform" ->
                "{\"name\":\"ns/sql\",\"version\":3,\"share\":0.5},{\"name\":\"ns/when\",\"version\":1,\"share\":0.5}";
            default -> "";
        };
        return Answer.json(
                200,
                "{\"choices\":[{\"message\":{\"content\":\"%s\"},\"finish_reason\":\"stop\"}],\"routing\":{\"strategy\":\"%s\",\"experts\":[%s]}}"
                        .formatted(right ? sql ? "SELECT" : "05-10" : "?", strategy, experts));
    }

    @Test
    void every_figure_of_the_file_is_what_the_router_s_answers_come_to() throws IOException {
        Path json = folder.resolve("result.json");

        assertThat(run(QUESTIONS, "--strategies", "oracle,arrow,uniform,base", "--json", json.toString()))
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
        assertThat(run(QUESTIONS, "--strategies", "oracle,arrow")).isZero();

        List<String> lines =
                shown.out().lines().map(line -> line.replaceAll(" +", " ")).toList();
        assertThat(lines.get(0)).isEqualTo("4 questions, 2 adapters on tiny, 8 questions at a time");
        assertThat(lines)
                .contains("chosen by arrow, right 1 2 base", "1 ns/sql:3 2 · ·", "2 ns/when:1 1 · ·", "base 1 · ·")
                .anySatisfy(line -> assertThat(line).startsWith("oracle 1.000 1.000 – "))
                .anySatisfy(line -> assertThat(line).startsWith("arrow 0.667 0.667 0.500 "))
                .contains("dates 1.000 0.000 1");
        assertThat(shown.err()).contains("100 %  4 of 4");
    }

    @Test
    void the_whole_library_is_pinned_and_settings_go_with_their_strategy() throws IOException {
        assertThat(run(
                        QUESTIONS,
                        "--library",
                        "skill=x",
                        "--strategies",
                        "oracle,arrow:top_k=1:input_norm=unit",
                        "--per-skill",
                        "1"))
                .isZero();

        assertThat(sent(EXPLAIN, 0).path("variants"))
                .isEqualTo(JSON.readTree("[{\"selector\":\"skill=x\",\"strategy\":\"uniform\"}]"));
        List<JsonNode> routings = Stream.iterate(0, i -> i + 1)
                .limit(8)
                .map(i -> sent(CHAT, i).path("routing"))
                .toList();
        assertThat(routings)
                .contains(
                        JSON.readTree("{\"experts\":[\"ns/sql:3\"],\"strategy\":\"single\"}"),
                        JSON.readTree("{\"experts\":[\"ns/when:1\"],\"strategy\":\"single\"}"),
                        JSON.readTree("{\"strategy\":\"base\"}"),
                        JSON.readTree(
                                "{\"experts\":[\"ns/sql:3\",\"ns/when:1\"],\"strategy\":\"arrow\",\"top_k\":1,\"input_norm\":\"unit\"}"));
        assertThat(sent(CHAT, 2).path("temperature").intValue()).isZero();
    }

    @Test
    void an_answer_gets_as_many_tokens_as_it_has_bytes_and_two() throws IOException {
        assertThat(run("[{\"skill\":\"sql\",\"prompt\":\"all\",\"answer\":\"né\"}]", "--strategies", "oracle"))
                .isZero();

        assertThat(sent(CHAT, 1).path("max_tokens").intValue()).isEqualTo(5);
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
        server.on(CHAT, request -> refusals.isEmpty() ? answer(request) : refusals.remove(0));

        assertThat(run(QUESTIONS, "--strategies", "oracle")).isZero();

        assertThat(refusals).isEmpty();
        assertThat(pauses)
                .anySatisfy(pause -> assertThat(pause).isBetween(Duration.ofSeconds(6), Duration.ofSeconds(7)))
                .anySatisfy(pause -> assertThat(pause).isBetween(Duration.ofSeconds(1), Duration.ofSeconds(2)));
    }

    @Test
    void what_the_router_says_of_each_strategy_that_it_refuses_is_shown_and_nothing_is_evaluated() throws IOException {
        server.on(
                CHAT,
                request -> request.text().contains("evidense") || request.text().contains("\"top_k\"")
                        ? Answer.json(
                                400,
                                "{\"error\":{\"code\":\"invalid_request\",\"message\":\"must be one of arrow, base\",\"param\":\"routing.strategy\"}}")
                        : answer(request));

        assertThat(run(QUESTIONS, "--strategies", "oracle,evidense,uniform:top_k=1"))
                .isEqualTo(ExitStatus.REFUSED);

        assertThat(shown.err())
                .contains("✗ strategy evidense (invalid_request): must be one of arrow, base (routing.strategy)")
                .contains("✗ strategy uniform:top_k=1 (invalid_request)");
        assertThat(shown.out()).isEmpty();
    }

    @Test
    void evidence_is_among_the_strategies_and_where_it_cannot_be_had_it_is_said_what_to_do() throws IOException {
        server.on(
                CHAT,
                request -> request.text().contains("\"evidence\"")
                        ? Answer.json(400, "{\"error\":{\"code\":\"not_calibrated\",\"message\":\"no calibration\"}}")
                        : answer(request));

        assertThat(run(QUESTIONS)).isEqualTo(ExitStatus.REFUSED);

        assertThat(shown.err())
                .contains("✗ strategy evidence (not_calibrated): no calibration")
                .contains("quiver base calibrate NAME");
    }

    @Test
    void a_run_that_breaks_off_goes_on_where_it_was() throws IOException {
        Path out = folder.resolve("answers.jsonl");
        // The last question, so that none is on its way when the run ends.
        server.on(CHAT, request -> request.text().contains("Hello!") ? Answer.json(500, "{}") : answer(request));
        String[] options = {"--strategies", "oracle", "--concurrency", "1", "--out", out.toString()};
        assertThat(run(QUESTIONS, options)).isEqualTo(ExitStatus.REFUSED);
        assertThat(shown.err())
                .contains("each answer goes to " + out + "; the same command goes on from there")
                .contains("what was answered stands in " + out);
        assertThat(Files.readAllLines(out)).hasSize(4);
        // Killed in the middle of a line.
        Files.writeString(out, "{\"strategy\":\"ora", StandardOpenOption.APPEND);

        server.on(CHAT, EvalTest::answer);
        int before = server.received.size();
        Path json = folder.resolve("result.json");
        String[] again = Stream.concat(Stream.of(options), Stream.of("--json", json.toString()))
                .toArray(String[]::new);
        assertThat(run(QUESTIONS, again)).isZero();

        assertThat(server.received.stream()
                        .skip(before)
                        .filter(received -> received.line().equals(CHAT)))
                .as("one to try the strategy out, and the question that was open")
                .hasSize(2);
        assertThat(figures(JSON.readTree(Files.readString(json)), "oracle")).isEqualTo("3 of 3, choice -");
        assertThat(Files.readAllLines(out)).hasSize(5).allMatch(line -> line.endsWith("}"));

        assertThat(run(QUESTIONS, options)).isZero();
        assertThat(shown.out().lines().map(line -> line.replaceAll(" +", " ")))
                .as("nothing was asked")
                .anySatisfy(line -> assertThat(line).startsWith("oracle 1.000 1.000 – – "));

        server.on(EXPLAIN, request -> Answer.json(200, """
                {"base":{"name":"tiny"},"variants":[{"routing":{"experts":[
                 {"name":"ns/sql","version":4},{"name":"ns/when","version":1}]}}]}"""));
        assertThat(run(QUESTIONS, options)).isEqualTo(ExitStatus.USAGE);
        assertThat(shown.err()).contains("answers of another library");
    }

    @Test
    void skills_without_an_adapter_are_all_named_with_what_to_do() throws IOException {
        String questions = """
                [{"skill":"sql","prompt":"a","answer":"b"},{"skill":"poems","prompt":"a","answer":"b"},
                 {"skill":"chess","prompt":"a","answer":"b"}]""";

        assertThat(run(questions, "--adapter", "chess=ns/nobody")).isEqualTo(ExitStatus.USAGE);
        assertThat(shown.err())
                .contains("chess should be ns/nobody, which is not in it; poems has none.")
                .contains(
                        "The library is ns/sql:3, ns/when:1. Push what is missing, widen --library, or say --adapter");
        assertThat(run(questions, "--adapter", "chess=ns/when", "--adapter", "poems=ns/when:1", "--strategies", "base"))
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
            assertThat(run(questions)).as(questions).isEqualTo(ExitStatus.USAGE);
        }
        assertThat(shown.err().split("a JSON array of", -1)).hasSize(8);
        assertThat(run(QUESTIONS, "--strategies", "arrow:3")).isEqualTo(ExitStatus.USAGE);
        assertThat(run(QUESTIONS, "--concurrency", "65")).isEqualTo(ExitStatus.USAGE);
        assertThat(run(QUESTIONS, "--concurrency", "0")).isEqualTo(ExitStatus.USAGE);
        assertThat(server.received).isEmpty();
    }

    private int run(String questions, String... options) throws IOException {
        Path file = folder.resolve("questions.json");
        Files.writeString(file, questions);
        Pause pause = duration -> {
            pauses.add(duration);
            elapsedNanos.addAndGet(duration.toNanos());
        };
        Surroundings surroundings = shown.surroundings(server.environment());
        Surroundings still = new Surroundings(
                surroundings.terminal(),
                surroundings.environment(),
                surroundings.home(),
                surroundings.beganMillis(),
                surroundings.clock(),
                elapsedNanos::get);
        CommandLine line = QuiverCommand.commandLine(still, pause);
        return line.execute(Stream.concat(Stream.of("eval", file.toString()), Stream.of(options))
                .toArray(String[]::new));
    }

    private JsonNode sent(String route, int number) {
        return JSON.readTree(server.received.stream()
                .filter(received -> received.line().equals(route))
                .toList()
                .get(number)
                .body());
    }

    private static String figures(JsonNode result, String strategy) {
        for (JsonNode json : result.path("strategies")) {
            if (json.path("strategy").asString("").equals(strategy)) {
                return json.path("exact") + " of " + json.path("questions") + ", choice "
                        + json.path("choice_accuracy").asString("-");
            }
        }
        throw new AssertionError(strategy + " is not there");
    }
}
