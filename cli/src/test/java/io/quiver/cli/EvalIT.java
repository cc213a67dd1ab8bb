package io.quiver.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.standalone.StandaloneOptions;
import io.quiver.standalone.StandalonePorts;
import io.quiver.standalone.StandaloneStack;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The bundled model and its experts, uploaded and measured by the commands that a person types. */
class EvalIT {
    private static final Path QUICKSTART = Path.of("..", "quickstart");
    private static final int PER_SKILL = 4;

    @TempDir
    private static Path data;

    private static StandaloneStack stack;
    private static Map<String, String> environment;

    @BeforeAll
    static void start() throws IOException {
        System.setProperty("quiver.router.decoder.precision", "fp32");
        // The account that PostgreSQL runs under has to enter it.
        Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwx--x--x"));
        StandaloneOptions options = new StandaloneOptions(data, StandalonePorts.free());
        stack = new StandaloneStack(options, (part, elapsedMillis) -> {});
        stack.start();
        environment = Map.of(
                "QUIVER_REGISTRY", stack.registryUrl().toString(),
                "QUIVER_ROUTER", stack.routerUrl().toString());
        run("base", "add", QUICKSTART.resolve("base").toString(), "--name", "quickstart");
        for (String expert : new String[] {"plural", "reverse-word", "shout"}) {
            run("push", QUICKSTART.resolve("experts").resolve(expert).toString());
        }
    }

    @AfterAll
    static void stop() {
        System.clearProperty("quiver.router.decoder.precision");
        stack.close();
    }

    @Test
    void strategies_are_measured_on_the_bundled_model() throws IOException {
        Path json = data.resolve("result.json");
        Path questions = data.resolve("questions.json");
        Files.writeString(questions, questions("plural", "reverse-word", "shout"));

        Shown shown = run(
                "eval",
                questions.toString(),
                "--strategies",
                "oracle,arrow:top_k=1,uniform,base",
                "--per-skill",
                String.valueOf(PER_SKILL),
                "--json",
                json.toString());

        assertThat(shown.out()).startsWith(3 * PER_SKILL + " questions, 3 adapters on quickstart");
        JsonNode result = JsonMapper.shared().readTree(Files.readString(json));
        JsonNode oracle = result.path("strategies").path(0);
        assertThat(oracle.path("exact_match").doubleValue()).isGreaterThan(0.5);
        assertThat(result.path("strategies").path(3).path("exact_match").doubleValue())
                .isZero();
        for (JsonNode strategy : result.path("strategies")) {
            assertThat(strategy.path("answers").size()).isEqualTo(3 * PER_SKILL);
            int exact = 0;
            for (JsonNode answer : strategy.path("answers")) {
                exact += answer.path("answer")
                                .asString()
                                .equals(answer.path("right").asString())
                        ? 1
                        : 0;
            }
            assertThat(strategy.path("exact").intValue()).isEqualTo(exact);
        }
        for (JsonNode answer : oracle.path("answers")) {
            assertThat(answer.path("chosen").asString())
                    .isEqualTo("default/" + answer.path("skill").asString() + ":1");
        }
    }

    @Test
    void a_strategy_that_the_router_does_not_know_is_refused_with_those_that_it_knows() throws IOException {
        Path questions = data.resolve("plural.json");
        Files.writeString(questions, questions("plural"));
        Shown shown = Shown.inAPipe();

        int status = shown.run(environment, "eval", questions.toString(), "--strategies", "arow");

        assertThat(status).isEqualTo(ExitStatus.REFUSED);
        assertThat(shown.err()).contains("✗ strategy arow").contains("spectr");
    }

    @Test
    void the_words_that_speak_for_an_expert_are_drawn_before_the_answer() {
        Shown shown = run("ask", "Give the plural of fox.", "--strategy", "arrow", "--explain", "--max-tokens", "8");

        assertThat(shown.err()).startsWith("arrow\n").containsPattern("default/plural:1  [0-9.]+ % of the prompt");
        assertThat(shown.err().lines().filter(line -> line.contains("plural  ") && line.contains("█")))
                .hasSize(1);
        assertThat(shown.out()).isNotBlank();
    }

    /** The bundled questions of some skills. */
    private static String questions(String... skills) throws IOException {
        var chosen = JsonMapper.shared().createArrayNode();
        for (JsonNode question : JsonMapper.shared().readTree(Files.readString(QUICKSTART.resolve("questions.json")))) {
            if (List.of(skills).contains(question.path("skill").asString())) {
                chosen.add(question);
            }
        }
        return chosen.toString();
    }

    /** A command that must succeed. */
    private static Shown run(String... arguments) {
        Shown shown = Shown.inAPipe();
        assertThat(shown.run(environment, arguments)).as(shown.err()).isZero();
        return shown;
    }
}
