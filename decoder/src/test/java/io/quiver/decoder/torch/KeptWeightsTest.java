package io.quiver.decoder.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.WeightCache;
import io.quiver.lora.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Weights that are kept between two starts. */
class KeptWeightsTest {
    private static final int[] IDS = {57, 8, 99, 140};
    private static final String DIGEST = "sha256:" + "5a".repeat(32);
    private static final FileTime LONG_AGO = FileTime.fromMillis(0);

    @TempDir
    Path folder;

    @BeforeEach
    void only_with_kernels() {
        assumeTrue(Kernels.present(), "the build found no C++ compiler");
    }

    private float[][] logits(String model, Precision precision, String digest) throws IOException {
        return logits(Fixtures.path("models/" + model), precision, digest);
    }

    private float[][] logits(Path model, Precision precision, String digest) throws IOException {
        WeightCache cache = new WeightCache(folder.resolve("cache"), digest);
        try (TorchDecoder decoder = TorchDecoder.open(model, DecoderSettings.cpu(precision, 2), cache)) {
            return Fixtures.logits(decoder, new Routing.Base(), IDS);
        }
    }

    private static float[][] withoutCache(String model, Precision precision) {
        try (TorchDecoder decoder = Fixtures.open(model, DecoderSettings.cpu(precision, 2))) {
            return Fixtures.logits(decoder, new Routing.Base(), IDS);
        }
    }

    private List<Path> files() {
        try (Stream<Path> files = Files.list(folder.resolve("cache"))) {
            return files.toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The only file of the cache, made to look as if it had been there for long. */
    private Path aged() throws IOException {
        assertThat(files()).hasSize(1);
        Path file = files().get(0);
        Files.setLastModifiedTime(file, LONG_AGO);
        return file;
    }

    @ParameterizedTest
    @CsvSource({
        "llama, FP32",
        "llama, BF16",
        "llama-tied-sharded, BF16",
        "llama-bf16, BF16",
        "gemma2, BF16",
        "phi, BF16",
        "qwen3, FP32",
        "llama, INT8",
        "llama-tied-sharded, INT4",
        "phi, INT4"
    })
    void a_later_start_maps_what_the_first_one_wrote_and_decodes_to_the_same_bits(String model, Precision precision)
            throws IOException {
        float[][] expected = withoutCache(model, precision);
        assertThat(logits(model, precision, DIGEST)).isDeepEqualTo(expected);
        Path file = aged();
        assertThat(logits(model, precision, DIGEST)).isDeepEqualTo(expected);
        assertThat(Files.getLastModifiedTime(file)).isEqualTo(LONG_AGO);
    }

    /** The others fit into one large page, and are never mapped in such. */
    @Test
    void a_model_of_several_large_pages_decodes_to_the_same_bits() throws IOException {
        Path model = folder.resolve("model");
        writeLarger(model);
        float[][] expected;
        try (TorchDecoder decoder = TorchDecoder.open(model, DecoderSettings.cpu(Precision.BF16, 2))) {
            expected = Fixtures.logits(decoder, new Routing.Base(), IDS);
        }
        assertThat(logits(model, Precision.BF16, DIGEST)).isDeepEqualTo(expected);
        Path file = aged();
        assertThat(Files.size(file)).isGreaterThan(3L * (2 << 20));
        assertThat(logits(model, Precision.BF16, DIGEST)).isDeepEqualTo(expected);
        assertThat(Files.getLastModifiedTime(file)).isEqualTo(LONG_AGO);
    }

    private static void writeLarger(Path model) throws IOException {
        int hidden = 256;
        int inner = 2048;
        int vocabulary = 4096;
        Files.createDirectories(model);
        Files.writeString(model.resolve("config.json"), """
                {"model_type": "llama", "hidden_act": "silu", "hidden_size": %d, "intermediate_size": %d, "num_hidden_layers": 1,
                 "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": %d, "max_position_embeddings": 64,
                 "rms_norm_eps": 1e-5, "rope_theta": 10000, "tie_word_embeddings": false}
                """.formatted(hidden, inner, vocabulary));
        Map<String, int[]> shapes = new LinkedHashMap<>();
        shapes.put("model.embed_tokens", new int[] {vocabulary, hidden});
        shapes.put("lm_head", new int[] {vocabulary, hidden});
        shapes.put("model.norm", new int[] {hidden});
        shapes.put("model.layers.0.input_layernorm", new int[] {hidden});
        shapes.put("model.layers.0.post_attention_layernorm", new int[] {hidden});
        shapes.put("model.layers.0.self_attn.q_proj", new int[] {hidden, hidden});
        shapes.put("model.layers.0.self_attn.k_proj", new int[] {hidden / 2, hidden});
        shapes.put("model.layers.0.self_attn.v_proj", new int[] {hidden / 2, hidden});
        shapes.put("model.layers.0.self_attn.o_proj", new int[] {hidden, hidden});
        shapes.put("model.layers.0.mlp.gate_proj", new int[] {inner, hidden});
        shapes.put("model.layers.0.mlp.up_proj", new int[] {inner, hidden});
        shapes.put("model.layers.0.mlp.down_proj", new int[] {hidden, inner});
        Random random = new Random(1);
        SafetensorsWriter writer = new SafetensorsWriter();
        shapes.forEach((name, shape) -> {
            float[] values = new float[shape.length == 1 ? shape[0] : shape[0] * shape[1]];
            for (int i = 0; i < values.length; i++) {
                values[i] = (random.nextFloat() - 0.5F) / 8;
            }
            writer.floats(
                    name + ".weight",
                    Arrays.stream(shape).mapToObj(size -> (long) size).toList(),
                    values);
        });
        Files.write(model.resolve("model.safetensors"), writer.toBytes());
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.0005, 0.3, 1})
    void a_file_with_a_wrong_byte_anywhere_is_written_anew(double where) throws IOException {
        float[][] expected = logits("llama", Precision.BF16, DIGEST);
        Path file = aged();
        byte[] whole = Files.readAllBytes(file);
        byte[] damaged = whole.clone();
        damaged[(int) (where * (whole.length - 1))] ^= 4;
        Files.write(file, damaged);
        assertThat(logits("llama", Precision.BF16, DIGEST)).isDeepEqualTo(expected);
        assertThat(files()).hasSize(1);
        assertThat(Files.readAllBytes(file)).isEqualTo(whole);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 7, 100, 5000, -1})
    void a_file_that_is_too_short_is_written_anew(int bytes) throws IOException {
        float[][] expected = logits("llama", Precision.BF16, DIGEST);
        Path file = aged();
        byte[] whole = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(whole, bytes < 0 ? whole.length - 1 : bytes));
        assertThat(logits("llama", Precision.BF16, DIGEST)).isDeepEqualTo(expected);
        assertThat(Files.readAllBytes(file)).isEqualTo(whole);
    }

    @Test
    void another_precision_has_a_file_of_its_own() throws IOException {
        logits("llama", Precision.BF16, DIGEST);
        assertThat(logits("llama", Precision.FP32, DIGEST)).isDeepEqualTo(withoutCache("llama", Precision.FP32));
        assertThat(files()).hasSize(2);
    }

    @Test
    void a_file_of_another_model_under_a_wrong_name_is_not_used() throws IOException {
        logits("llama-bf16", Precision.BF16, DIGEST);
        String other = "sha256:" + "00".repeat(32);
        Files.move(aged(), folder.resolve("cache").resolve("00".repeat(32) + "-bf16.weights"));
        assertThat(logits("llama", Precision.BF16, other)).isDeepEqualTo(withoutCache("llama", Precision.BF16));
    }

    @Test
    void a_digest_that_stands_for_a_model_of_other_shapes_is_an_error() throws IOException {
        logits("llama", Precision.BF16, DIGEST);
        assertThatThrownBy(() -> logits("qwen2", Precision.BF16, DIGEST))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("other matrices");
    }

    @Test
    void a_model_starts_where_nothing_can_be_kept() throws IOException {
        Files.writeString(folder.resolve("cache"), "a file where the folder should be");
        assertThat(logits("llama", Precision.BF16, DIGEST)).isDeepEqualTo(withoutCache("llama", Precision.BF16));
    }

    @Test
    void a_digest_is_checked() {
        assertThatThrownBy(() -> new WeightCache(folder, "sha256:../x")).isInstanceOf(IllegalArgumentException.class);
    }
}
