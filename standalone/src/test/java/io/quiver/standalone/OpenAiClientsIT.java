package io.quiver.standalone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.models.Model;
import io.quiver.client.RegistryClient;
import io.quiver.client.RouterClient;
import io.quiver.terminal.Terminal;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * OpenAI's own clients, unmodified, against the router with the bundled model. The Java client comes with the build; those for
 * Python and JavaScript run where {@code tools/openai-clients/install.sh} has fetched them, and are skipped with a word elsewhere.
 */
class OpenAiClientsIT {
    private static final Path SUITES =
            Path.of("..", "tools", "openai-clients").toAbsolutePath().normalize();
    private static final Duration SUITE_LIMIT = Duration.ofMinutes(3);
    private static final int SUITE_TESTS_MIN = 25;
    private static final String BASE = "quickstart";
    private static final String EXPERT = "quickstart/shout";

    private static StackDirectory directory;
    private static StandaloneStack stack;
    private static OpenAIClient client;

    @BeforeAll
    static void serve_the_bundled_model() throws Exception {
        // The same answers on every processor.
        System.setProperty("quiver.router.decoder.precision", "fp32");
        directory = StackDirectory.make();
        var options = new StandaloneOptions(directory.path(), StandalonePorts.free());
        StandaloneLogs.into(options.logsDir());
        stack = new StandaloneStack(options, (part, elapsedMillis) -> {});
        stack.start();
        var shown = new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
        Demo demo = new Demo(
                new RegistryClient(stack.registryUrl()),
                new RouterClient(stack.routerUrl()),
                new DemoOptions(Path.of("..", "quickstart"), true, System.currentTimeMillis()),
                new Terminal(shown, shown, false, false, 100));
        assertThat(demo.run().isComplete()).isTrue();
        client = OpenAIOkHttpClient.builder()
                .baseUrl(v1())
                .apiKey("unused")
                .maxRetries(0)
                .build();
    }

    @AfterAll
    static void stop() throws IOException {
        if (client != null) {
            client.close();
        }
        if (stack != null) {
            stack.close();
        }
        directory.close();
    }

    @Test
    void the_suite_of_the_python_client_passes() throws Exception {
        String python = installed(SUITES.resolve(".venv/bin/python"), "python3");
        String version = Files.readString(SUITES.resolve("python/requirements.txt"))
                .strip()
                .replace("openai==", "");
        requireOrSkip(
                answers(python, "-c", "import openai, sys; sys.exit(openai.__version__ != '" + version + "')"),
                "no Python with openai " + version + "; tools/openai-clients/install.sh fetches it");

        Suite suite = run("python", python, "-B", "-m", "unittest", "-v", "suite");

        suite.requirePassed("Ran (\\d+) tests");
    }

    @Test
    void the_suite_of_the_javascript_client_passes() throws Exception {
        String node = installed(SUITES.resolve(".venv/bin/node"), "node");
        requireOrSkip(
                Files.isDirectory(SUITES.resolve("javascript/node_modules/openai"))
                        && answers(
                                node, "-e", "process.exit(Number(process.versions.node.split('.')[0]) < 22 ? 1 : 0)"),
                "no Node.js 22 with the openai package; tools/openai-clients/install.sh fetches both");

        Suite suite = run("javascript", node, "--test", "--test-reporter=tap", "suite.test.js");

        suite.requirePassed("# pass (\\d+)");
    }

    @Test
    void the_java_client_lists_and_retrieves_models() {
        assertThat(client.models().list().autoPager().stream().map(Model::id))
                .contains(BASE, "quiver", EXPERT)
                .doesNotHaveDuplicates();
        assertThat(client.models().retrieve(EXPERT).ownedBy()).isEqualTo("quickstart");
    }

    @Test
    void the_java_client_reads_an_answer_with_counts_and_log_probabilities() {
        ChatCompletion answer = client.chat()
                .completions()
                .create(shout().logprobs(true).topLogprobs(2).build());

        ChatCompletion.Choice choice = answer.choices().get(0);
        assertThat(choice.message().content()).contains("LETTER");
        assertThat(choice.finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.STOP);
        assertThat(choice.logprobs().orElseThrow().content().orElseThrow()).allSatisfy(token -> {
            assertThat(token.logprob()).isLessThanOrEqualTo(0);
            assertThat(token.topLogprobs()).hasSize(2);
            assertThat(token.topLogprobs().get(0).token()).isEqualTo(token.token());
        });
        var usage = answer.usage().orElseThrow();
        assertThat(usage.totalTokens()).isEqualTo(usage.promptTokens() + usage.completionTokens());
    }

    @Test
    void the_java_client_reads_a_stream_to_its_counts() {
        ChatCompletionCreateParams wish = shout().streamOptions(
                        ChatCompletionStreamOptions.builder().includeUsage(true).build())
                .build();

        List<ChatCompletionChunk> chunks;
        try (StreamResponse<ChatCompletionChunk> stream =
                client.chat().completions().createStreaming(wish)) {
            chunks = stream.stream().toList();
        }

        assertThat(chunks.stream()
                        .flatMap(chunk -> chunk.choices().stream())
                        .map(choice -> choice.delta().content().orElse(""))
                        .collect(Collectors.joining()))
                .isEqualTo("LETTER");
        assertThat(chunks.get(chunks.size() - 1).usage()).isPresent();
    }

    @Test
    void the_java_client_continues_a_text_twice_alike_under_a_seed() {
        CompletionCreateParams wish = CompletionCreateParams.builder()
                .model(BASE)
                .prompt("The word")
                .n(2)
                .seed(7)
                .temperature(1.5)
                .maxTokens(12)
                .build();

        Completion first = client.completions().create(wish);

        assertThat(first.choices()).hasSize(2);
        assertThat(first.choices().get(0).text())
                .isNotEqualTo(first.choices().get(1).text());
        assertThat(client.completions().create(wish).choices()).isEqualTo(first.choices());
    }

    @Test
    void the_java_client_sends_a_routing_object_and_reads_it_back() {
        ChatCompletion answer = client.chat()
                .completions()
                .create(shout().model(BASE)
                        .putAdditionalBodyProperty("routing", JsonValue.from(Map.of("all", true)))
                        .build());

        assertThat(answer.choices().get(0).message().content()).contains("LETTER");
        Map<?, ?> routing = answer._additionalProperties().get("routing").convert(Map.class);
        assertThat(routing.get("strategy")).isEqualTo("evidence");
        assertThat(routing.get("library_size")).isEqualTo(8);
        assertThat((List<?>) routing.get("experts")).hasSize(1);
    }

    @Test
    void the_java_client_throws_what_it_has_for_each_refusal() {
        NotFoundException unknown = catchThrowableOfType(
                NotFoundException.class,
                () -> client.chat().completions().create(shout().model("nobody").build()));
        assertThat(unknown.code()).contains("model_not_found");

        BadRequestException wrong = catchThrowableOfType(
                BadRequestException.class,
                () -> client.chat()
                        .completions()
                        .create(shout().temperature(-1.0).build()));
        assertThat(wrong.param()).contains("temperature");
    }

    /** Skips, and says so where everybody sees it. */
    private static void requireOrSkip(boolean installed, String whatIsMissing) {
        if (!installed) {
            System.out.println("SKIPPED: " + whatIsMissing);
        }
        assumeTrue(installed, whatIsMissing);
    }

    private static ChatCompletionCreateParams.Builder shout() {
        return ChatCompletionCreateParams.builder()
                .model(EXPERT)
                .addUserMessage("Shout the word letter.")
                .temperature(0.0)
                .maxCompletionTokens(24);
    }

    private static String v1() {
        return stack.routerUrl() + "/v1";
    }

    private static String installed(Path own, String command) {
        return Files.isExecutable(own) ? own.toString() : command;
    }

    private static boolean answers(String... command) throws InterruptedException {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return process.waitFor(1, TimeUnit.MINUTES) && process.exitValue() == 0;
        } catch (IOException e) {
            // There is no such program.
            return false;
        }
    }

    /** What came of a suite. */
    private record Suite(int exitStatus, String output) {
        /** @param count finds the number of tests that ran: a suite of none proves nothing */
        void requirePassed(String count) {
            assertThat(exitStatus).as(output).isZero();
            Matcher tests = Pattern.compile(count).matcher(output);
            assertThat(tests.find()).as(output).isTrue();
            assertThat(Integer.parseInt(tests.group(1))).isGreaterThanOrEqualTo(SUITE_TESTS_MIN);
        }
    }

    private static Suite run(String folder, String... command) throws Exception {
        Path output = Files.createTempFile("openai-" + folder, ".txt");
        try {
            ProcessBuilder program = new ProcessBuilder(command)
                    .directory(SUITES.resolve(folder).toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile());
            program.environment().put("QUIVER_V1", v1());
            Process process = program.start();
            boolean ended = process.waitFor(SUITE_LIMIT.toSeconds(), TimeUnit.SECONDS);
            if (!ended) {
                process.destroyForcibly();
            }
            String said = Files.readString(output);
            assertThat(ended).as("ends within " + SUITE_LIMIT + ": " + said).isTrue();
            return new Suite(process.exitValue(), said);
        } finally {
            Files.delete(output);
        }
    }
}
