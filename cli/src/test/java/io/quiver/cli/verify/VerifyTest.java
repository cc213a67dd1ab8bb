package io.quiver.cli.verify;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.terminal.Terminal;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import tools.jackson.databind.json.JsonMapper;

/** Verify on small folders made of the decoder's and lora-core's own reference values. */
class VerifyTest {
    private static final Path DECODER = Path.of("../decoder/src/test/resources/fixtures");
    private static final Path LORA = Path.of("../lora-core/src/test/resources/fixtures");
    private static final List<String> LIBRARY = List.of("arrow/experts/e0", "arrow/experts/e1", "arrow/experts/e2");

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @TempDir
    Path folder;

    @BeforeEach
    void fixtures_of_the_project_are_there() {
        assertThat(DECODER).isDirectory();
        assertThat(LORA).isDirectory();
    }

    @Test
    void models_adapters_prototypes_arrow_and_hand_worked_cases_pass() {
        take(DECODER, "models/llama", "adapters/r1-qv", "arrow/e3-top1");
        LIBRARY.forEach(expert -> take(DECODER, expert));
        take(LORA, "cases/trace.json", "cases/factors.json");

        assertThat(verify()).isZero();

        assertThat(lines())
                .anySatisfy(line ->
                        assertThat(line).matches("passed +models/llama +logits .* \\(tolerance 1e-04\\).*144 equal.*"))
                .anySatisfy(line -> assertThat(line).matches("passed +adapters/r1-qv +logits .*"))
                .anySatisfy(
                        line -> assertThat(line).matches("passed +adapters/r1-qv/prototypes.json +1 - \\|cos\\| .*"))
                .anySatisfy(line -> assertThat(line).matches("passed +arrow/e3-top1 .*scores.*coefficients.*"))
                .anySatisfy(line -> assertThat(line).matches("passed +cases/trace.json .*"))
                .anySatisfy(line -> assertThat(line).matches("passed +cases/factors.json .*"));
        assertThat(lastLine()).matches("9 passed, 0 failed, 0 not supported");
    }

    @Test
    void a_logit_that_is_off_by_a_thousandth_fails_its_case_and_names_the_place() throws IOException {
        take(DECODER, "models/llama");
        addToFirstElement(folder.resolve("models/llama/expected.safetensors"), "exact.9", 1e-3);

        assertThat(verify()).isEqualTo(1);

        assertThat(lines().get(0))
                .matches(
                        "failed +models/llama +logits 1.0e-03 \\(tolerance 1e-04\\) at token 0 of the prompt of 9 tokens.*");
        assertThat(lastLine()).isEqualTo("0 passed, 1 failed, 0 not supported");
    }

    @Test
    void another_greedy_token_fails_its_case() throws IOException {
        take(DECODER, "models/llama");
        replace("models/llama/expected.json", "\"greedy\": [201,", "\"greedy\": [200,");

        assertThat(verify()).isEqualTo(1);

        assertThat(lines().get(0)).contains("step 0 of the prompt of 1 tokens is 201, expected 200");
    }

    @Test
    void a_coefficient_that_is_off_fails_its_case() throws IOException {
        take(DECODER, "models/llama", "arrow/e3-all");
        LIBRARY.forEach(expert -> take(DECODER, expert));
        addToFirstElement(
                folder.resolve("arrow/e3-all/expected.safetensors"), "coeff.model.layers.1.mlp.up_proj", 1e-4);

        assertThat(verify()).isEqualTo(1);

        assertThat(output())
                .containsPattern(
                        "failed +arrow/e3-all .*coefficients 1.0e-04 .*token 0, expert 0, model.layers.1.mlp.up_proj");
    }

    @Test
    void a_prototype_that_is_turned_fails_its_case() throws IOException {
        take(DECODER, "adapters/r1-qv");
        Files.delete(folder.resolve("adapters/r1-qv/expected.json"));
        Path prototypes = folder.resolve("adapters/r1-qv/prototypes.json");
        Files.writeString(
                prototypes,
                Files.readString(prototypes).replaceFirst("\"prototype\": \\[-?0\\.", "\"prototype\": [0.9"));

        assertThat(verify()).isEqualTo(1);

        assertThat(lines().get(0)).matches("failed +adapters/r1-qv/prototypes.json +1 - \\|cos\\| .* at model.*");
    }

    @Test
    void a_broken_file_fails_its_case_and_the_others_go_on() throws IOException {
        take(DECODER, "models/llama", "adapters/r1-qv", "adapters/r4-attn");
        Files.writeString(folder.resolve("adapters/r4-attn/adapter_model.safetensors"), "no tensors");
        Files.createDirectories(folder.resolve("cases"));
        Files.writeString(folder.resolve("cases/trace.json"), "{\"W\": [[1");
        Files.createDirectories(folder.resolve("arrow/broken"));
        Files.writeString(
                folder.resolve("arrow/broken/case.json"), "{\"model\":\"../../etc\",\"prompts\":[{\"ids\":[1]}]}");

        assertThat(verify()).isEqualTo(1);

        assertThat(output())
                .containsPattern("failed +adapters/r4-attn ")
                .containsPattern("failed +cases/trace.json +cases/trace.json cannot be read")
                .containsPattern("failed +arrow/broken .*leads out of the folder")
                .containsPattern("passed +adapters/r1-qv ")
                .containsPattern("passed +models/llama ");
    }

    @Test
    void what_quiver_does_not_compute_is_neither_passed_nor_failed() throws IOException {
        take(DECODER, "models/llama");
        takeAs(DECODER, "models/llama", "models/other");
        replace("models/other/config.json", "\"llama\"", "\"mamba\"");
        Files.createDirectories(folder.resolve("mixtures/mola"));
        Files.createDirectories(folder.resolve("strategies/odd"));
        Files.writeString(folder.resolve("strategies/odd/case.json"), "{\"strategy\":\"svd\",\"prompts\":[]}");

        assertThat(verify()).isZero();

        assertThat(output())
                .containsPattern("not supported +models/other +model_type: .*mamba")
                .containsPattern("not supported +mixtures/mola ")
                .containsPattern("not supported +strategies/odd +strategy 'svd'");
        assertThat(lastLine()).isEqualTo("1 passed, 0 failed, 3 not supported");
    }

    @Test
    void prompts_without_greedy_or_logits_are_compared_as_far_as_they_go() throws IOException {
        take(DECODER, "models/llama");
        Files.delete(folder.resolve("models/llama/expected.safetensors"));
        assertThat(verify()).isZero();
        assertThat(lines().get(0)).contains("greedy tokens 144 equal").doesNotContain("logits");

        Files.writeString(folder.resolve("models/llama/expected.json"), "{\"prompts\":[{\"ids\":[5,6]}]}");
        out.reset();
        assertThat(verify()).isEqualTo(1);
        assertThat(lines().get(0)).contains("there is nothing to compare with");
    }

    @Test
    void a_prompt_without_any_reference_fails_though_others_have_one() throws IOException {
        take(DECODER, "models/llama");
        replace("models/llama/expected.json", "\"prompts\": [", "\"prompts\": [{\"ids\": [5, 6]},");

        assertThat(verify()).isEqualTo(1);

        assertThat(lines().get(0))
                .matches("failed +models/llama .*there is nothing to compare with for the prompt of 2 tokens");
    }

    @Test
    void an_adapter_is_told_apart_as_wrong_or_as_more_than_lora() throws IOException {
        take(DECODER, "models/llama");
        List.of("plain", "dora", "loha", "unfit")
                .forEach(name -> takeAs(DECODER, "adapters/r1-qv", "adapters/" + name));
        replace("adapters/dora/adapter_config.json", "\"use_dora\": false", "\"use_dora\": true");
        replace("adapters/loha/adapter_config.json", "\"LORA\"", "\"LOHA\"");
        replace("adapters/loha/adapter_config.json", "\"r\": 1", "\"r\": 2");
        replace("adapters/unfit/adapter_config.json", "\"v_proj\"", "\"k_proj\"");

        assertThat(verify()).isEqualTo(1);

        assertThat(output())
                .containsPattern("passed +adapters/plain ")
                .containsPattern("not supported +adapters/dora +dora_unsupported")
                .containsPattern("not supported +adapters/loha +unsupported_peft_type")
                .containsPattern("failed +adapters/unfit .*module_not_targeted");
    }

    @Test
    void a_broken_model_is_failed_and_not_just_unsupported() throws IOException {
        takeAs(DECODER, "models/llama", "models/no-json");
        takeAs(DECODER, "models/llama", "models/other-shape");
        Files.writeString(folder.resolve("models/no-json/config.json"), "{");
        replace("models/other-shape/config.json", "\"intermediate_size\": 104", "\"intermediate_size\": 105");

        assertThat(verify()).isEqualTo(1);

        assertThat(lastLine()).isEqualTo("0 passed, 2 failed, 0 not supported");
    }

    @Test
    void nothing_passed_is_no_success() {
        assertThat(verify()).isEqualTo(1);
        assertThat(output()).isEqualTo("0 passed, 0 failed, 0 not supported\n");
    }

    @Test
    void a_folder_that_is_not_there_is_a_usage_error() {
        folder = folder.resolve("missing");

        assertThat(verify()).isEqualTo(2);
        assertThat(err.toString(StandardCharsets.UTF_8)).contains("there is no folder");
    }

    private int verify() {
        Terminal terminal = new Terminal(
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                false,
                false,
                100);
        return new CommandLine(new Verify(terminal)).execute(folder.toString());
    }

    private String output() {
        return out.toString(StandardCharsets.UTF_8);
    }

    private List<String> lines() {
        return output().lines().toList();
    }

    private String lastLine() {
        return lines().get(lines().size() - 1);
    }

    private void take(Path from, String... parts) {
        for (String part : parts) {
            takeAs(from, part, part);
        }
    }

    private void takeAs(Path from, String part, String as) {
        try (Stream<Path> files = Files.walk(from.resolve(part))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Path target = folder.resolve(as).resolve(from.resolve(part).relativize(file));
                Files.createDirectories(target.getParent());
                Files.write(target, Files.readAllBytes(file));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void replace(String file, String old, String with) throws IOException {
        String text = Files.readString(folder.resolve(file));
        assertThat(text).contains(old);
        Files.writeString(folder.resolve(file), text.replace(old, with));
    }

    /** Changes one number inside a safetensors file, found through the file's own header. */
    private static void addToFirstElement(Path file, String tensor, double difference) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        int headerBytes = (int) bytes.getLong(0);
        var entry = JsonMapper.shared()
                .readTree(new String(bytes.array(), 8, headerBytes, StandardCharsets.UTF_8))
                .path(tensor);
        int position = 8 + headerBytes + entry.path("data_offsets").path(0).intValue();
        if (entry.path("dtype").stringValue().equals("F64")) {
            bytes.putDouble(position, bytes.getDouble(position) + difference);
        } else {
            bytes.putFloat(position, (float) (bytes.getFloat(position) + difference));
        }
        Files.write(file, bytes.array());
    }
}
