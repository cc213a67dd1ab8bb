package io.quiver.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.cli.ContractServer.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Questions whose right answer is nobody's: a router that gives databases to an adapter, and everything else to the base. */
class EvalNoneOfThemTest {
    private static final String OWN = """
            {"skill":"sql","prompt":"all players","answer":"SELECT"},{"skill":"dates","prompt":"Ada","answer":"05-10"}""";
    private static final String FOREIGN = """
            {"prompt":"Hello!","wording":"far"},{"skill":null,"prompt":"A poem","wording":"far"},
            {"prompt":"Who made SQL?","wording":"near"},{"skill":"","prompt":"Why?","wording":"near"}""";

    private final ContractServer server = new ContractServer();
    private final Shown shown = Shown.inAPipe();

    @TempDir
    private Path folder;

    @BeforeEach
    void a_library_of_two() {
        server.on("POST /v1/routing:explain", 200, """
                {"base":{"name":"tiny"},"variants":[{"routing":{"experts":[
                 {"name":"ns/sql","version":3},{"name":"ns/dates","version":1}]}}]}""")
                .on("GET /v1/experts", 200, """
                {"data":[{"name":"ns/sql","version":3,"labels":{}},{"name":"ns/dates","version":1,"labels":{}}]}""")
                .on(
                        "POST /v1/chat/completions",
                        request -> Answer.json(200, """
                {"choices":[{"message":{"content":"?"},"finish_reason":"stop"}],"routing":{"experts":[%s]}}""".formatted(
                                        request.text().contains("players")
                                                        || request.text().contains("SQL")
                                                ? "{\"name\":\"ns/sql\",\"version\":3,\"share\":1.0}"
                                                : "")));
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void they_are_counted_as_left_to_the_base_and_the_others_as_having_kept_an_adapter() throws IOException {
        JsonNode evidence = evaluated("[" + OWN + "," + FOREIGN + "]");

        assertThat(lines())
                .contains(
                        "none of them evidence questions",
                        "an adapter's, kept one 0.500 2",
                        "nobody's, left to the base 0.750 4",
                        "base 1 · 3");
        assertThat(evidence.path("left_to_base").doubleValue()).isEqualTo(4 / 6.0);
        assertThat(leftToBase(evidence.path("by_wording").path("far"))).isEqualTo(1);
        assertThat(leftToBase(evidence.path("by_wording").path("near"))).isEqualTo(0.5);
        assertThat(leftToBase(evidence.path("by_skill").path("sql"))).isZero();
        assertThat(evidence.path("answers").path(4).path("wording").asString()).isEqualTo("near");
    }

    @Test
    void a_file_may_hold_nothing_else() throws IOException {
        JsonNode evidence = evaluated("[" + FOREIGN + "]");

        assertThat(lines())
                .contains("nobody's, left to the base 0.750 4")
                .noneMatch(line -> line.startsWith("an adapter's"));
        assertThat(evidence.path("exact_match").isNull()).isTrue();
        assertThat(evidence.path("choice_accuracy").doubleValue()).isEqualTo(0.75);
    }

    @Test
    void where_every_question_is_an_adapter_s_there_is_no_such_table() throws IOException {
        evaluated("[" + OWN + "]");

        assertThat(lines()).noneMatch(line -> line.startsWith("none of them"));
    }

    private static double leftToBase(JsonNode figures) {
        return figures.path("left_to_base").doubleValue();
    }

    private JsonNode evaluated(String questions) throws IOException {
        Path file = folder.resolve("questions.json");
        Path json = folder.resolve("result.json");
        Files.writeString(file, questions);
        assertThat(shown.run(
                        server.environment(),
                        "eval",
                        file.toString(),
                        "--strategies",
                        "evidence",
                        "--json",
                        json.toString()))
                .as(shown.err())
                .isZero();
        return JsonMapper.shared()
                .readTree(Files.readString(json))
                .path("strategies")
                .path(0);
    }

    private List<String> lines() {
        return shown.out().lines().map(line -> line.replaceAll(" +", " ")).toList();
    }
}
