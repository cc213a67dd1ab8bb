package io.quiver.cli.verify;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.terminal.Terminal;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import tools.jackson.databind.json.JsonMapper;

/** Verify on the reference values of the evidence gate: the goldens of lora-core's mathematics, every intermediate. */
class VerifyEvidenceTest {
    private static final Path FIXTURES = Path.of("../decoder/src/test/resources/fixtures");
    private static final List<String> MIXED = List.of(
            "adapters/r1-qv",
            "adapters/r4-attn",
            "adapters/r8-all-linear-rslora",
            "adapters/r4-mlp-regex",
            "adapters/patterns-rslora",
            "adapters/r4-fp16",
            "adapters/r8-bf16");
    private static final List<String> ADAPTER = List.of("adapter_config.json", "adapter_model.safetensors");
    private static final List<String> CASE = List.of("case.json", "expected.safetensors");

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    @TempDir
    Path folder;

    @BeforeEach
    void model_and_adapters_without_reference_values_of_their_own() throws IOException {
        take("models/llama", List.of("config.json", "model.safetensors"));
        for (String adapter : MIXED) {
            take(adapter, ADAPTER);
        }
    }

    @Test
    void every_intermediate_agrees_with_the_reference() throws IOException {
        take("evidence/mixed", CASE);
        take("evidence/same-shape", CASE);
        for (String expert :
                IntStream.range(0, 8).mapToObj(i -> "arrow/experts/e" + i).toList()) {
            take(expert, ADAPTER);
        }

        assertThat(verify()).isZero();

        assertThat(lines()).hasSize(3).last().isEqualTo("2 passed, 0 failed, 0 not supported");
        assertThat(lines().subList(0, 2))
                .allSatisfy(line -> assertThat(line)
                        .contains(
                                "mean ", "whiten ", "norm ", "loudness ", "centre ", "spread ", "slope ", "intercept ")
                        .contains("residual ", "outside ", "threshold ", "evidence ", "memory ", "score ", "stand_out ")
                        .contains(
                                "evidence in float32 ",
                                "memory in float32 ",
                                "score in float32 ",
                                "stand_out in float32 ")
                        .contains("decisions 6 equal", "decisions in float32 6 equal"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "whiten.layers.0.attention_in",
                "norm.layers.2.mlp_in",
                "loudness.layers.0.attention_out",
                "slope",
                "outside",
                "evidence.3",
                "stand_out.5"
            })
    void a_reference_that_is_a_little_different_fails_where_it_differs(String tensor) throws IOException {
        take("evidence/mixed", CASE);
        addToFirstElement(folder.resolve("evidence/mixed/expected.safetensors"), tensor, 1e-5);

        assertThat(verify()).isEqualTo(1);

        assertThat(lines().get(0)).startsWith("failed").contains(" at " + tensor);
    }

    @Test
    void another_decision_fails() throws IOException {
        take("evidence/mixed", CASE);
        Path json = folder.resolve("evidence/mixed/case.json");
        String text = Files.readString(json);
        assertThat(text).contains("\"routed\": true");
        Files.writeString(json, text.replaceFirst("\"routed\": true", "\"routed\": false"));

        assertThat(verify()).isEqualTo(1);

        assertThat(lines().get(0)).startsWith("failed").contains("decisions: prompt 2 is for expert 1, routed true");
    }

    @Test
    void a_case_without_its_reference_values_fails() throws IOException {
        take("evidence/mixed", List.of("case.json"));

        assertThat(verify()).isEqualTo(1);

        assertThat(lines().get(0)).startsWith("failed").contains("there is no tensor directions.layers.0.attention_in");
    }

    private int verify() {
        PrintStream stream = new PrintStream(out, true, StandardCharsets.UTF_8);
        return new CommandLine(new Verify(new Terminal(stream, stream, false, false, 100))).execute(folder.toString());
    }

    private List<String> lines() {
        return out.toString(StandardCharsets.UTF_8).lines().toList();
    }

    private void take(String part, List<String> files) throws IOException {
        Files.createDirectories(folder.resolve(part));
        for (String file : files) {
            Files.write(
                    folder.resolve(part).resolve(file),
                    Files.readAllBytes(FIXTURES.resolve(part).resolve(file)));
        }
    }

    private static void addToFirstElement(Path file, String tensor, double difference) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        int headerBytes = (int) bytes.getLong(0);
        int position = 8
                + headerBytes
                + JsonMapper.shared()
                        .readTree(new String(bytes.array(), 8, headerBytes, StandardCharsets.UTF_8))
                        .path(tensor)
                        .path("data_offsets")
                        .path(0)
                        .intValue();
        bytes.putDouble(position, bytes.getDouble(position) + difference);
        Files.write(file, bytes.array());
    }
}
