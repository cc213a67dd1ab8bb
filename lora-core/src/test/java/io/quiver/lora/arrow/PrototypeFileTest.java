package io.quiver.lora.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quiver.lora.safetensors.InvalidSafetensorsException;
import io.quiver.lora.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PrototypeFileTest {
    private static final String DIGEST = "sha256:" + "ab".repeat(32);
    private static final ModulePrototype Q = new ModulePrototype(
            "model.layers.0.self_attn.q_proj", 4, 2.0, new float[] {0.6f, -0.8f}, new double[] {3, 1});
    private static final ModulePrototype UP =
            new ModulePrototype("model.layers.0.mlp.up_proj", 1, 0.25, new float[] {1, 0, 0}, new double[] {0.5});

    @TempDir
    Path folder;

    @Test
    void what_is_written_is_read_back() throws IOException {
        PrototypeFile written = new PrototypeFile(ComputePrototypes.ALGORITHM, DIGEST, List.of(Q, UP));

        PrototypeFile read = read(written.toBytes());

        assertThat(read).usingRecursiveComparison().isEqualTo(written);
        assertThat(read.byModule()).containsOnlyKeys(UP.module(), Q.module());
    }

    @Test
    void the_order_of_the_modules_does_not_change_the_bytes() {
        assertThat(new PrototypeFile("arrow-v1", DIGEST, List.of(UP, Q)).toBytes())
                .isEqualTo(new PrototypeFile("arrow-v1", DIGEST, List.of(Q, UP)).toBytes());
    }

    @Test
    void a_module_with_two_prototypes_is_refused() {
        assertThatThrownBy(() -> new PrototypeFile("arrow-v1", DIGEST, List.of(Q, Q)))
                .hasMessageContaining("two prototypes");
    }

    @Test
    void a_truncated_file_is_refused() {
        byte[] bytes = new PrototypeFile("arrow-v1", DIGEST, List.of(Q)).toBytes();

        assertThatThrownBy(() -> read(Arrays.copyOf(bytes, bytes.length - 1)))
                .isInstanceOf(InvalidSafetensorsException.class);
    }

    @Test
    void another_format_version_is_refused() {
        refused("version 3", writer -> writer.metadata("format_version", "3"));
    }

    @Test
    void a_file_without_the_adapters_digest_is_refused() {
        assertThatThrownBy(() -> read(new SafetensorsWriter()
                        .metadata("format_version", "1")
                        .metadata("algorithm", "arrow-v1")
                        .toBytes()))
                .isInstanceOf(InvalidPrototypeFileException.class);
    }

    @Test
    void a_file_without_prototypes_is_refused() {
        assertThatThrownBy(() -> read(new SafetensorsWriter()
                        .metadata("format_version", "1")
                        .metadata("algorithm", "arrow-v1")
                        .metadata("adapter_digest", DIGEST)
                        .toBytes()))
                .isInstanceOf(InvalidPrototypeFileException.class)
                .hasMessageContaining("at least one");
    }

    @Test
    void a_tensor_that_does_not_belong_there_is_refused() {
        refused("unknown tensor", writer -> writer.floats("extra.q", List.of(1L), new float[] {1}));
    }

    @Test
    void a_module_of_which_a_tensor_is_missing_is_refused() {
        refused("is missing", writer -> writer.doubles("sigma.other", List.of(1L), new double[] {1}));
    }

    @Test
    void a_vector_that_is_not_of_unit_length_is_refused() {
        refused("unit length", writer -> module(writer, "m", new float[] {0.5f, 0.5f}, new double[] {1}, 1, 1));
        refused("unit length", writer -> module(writer, "m", new float[] {Float.NaN, 1}, new double[] {1}, 1, 1));
    }

    @Test
    void singular_values_out_of_order_are_refused() {
        refused("not in order", writer -> module(writer, "m", new float[] {1}, new double[] {1, 2}, 1, 2));
    }

    @Test
    void a_scale_or_rank_that_cannot_be_is_refused() {
        refused("scaling", writer -> module(writer, "m", new float[] {1}, new double[] {1}, Double.NaN, 1));
        refused("rank 0", writer -> module(writer, "m", new float[] {1}, new double[] {1}, 1, 0));
        refused("at most rank", writer -> module(writer, "m", new float[] {1}, new double[] {2, 1}, 1, 1));
    }

    private void refused(String message, Consumer<SafetensorsWriter> spoil) {
        SafetensorsWriter writer = module(
                new SafetensorsWriter()
                        .metadata("format_version", "1")
                        .metadata("algorithm", "arrow-v1")
                        .metadata("adapter_digest", DIGEST),
                "a",
                new float[] {1},
                new double[] {1},
                1,
                1);
        spoil.accept(writer);
        assertThatThrownBy(() -> read(writer.toBytes()))
                .isInstanceOf(InvalidPrototypeFileException.class)
                .hasMessageContaining(message);
    }

    private static SafetensorsWriter module(
            SafetensorsWriter writer, String name, float[] vector, double[] sigma, double scaling, long rank) {
        return writer.floats("prototype." + name, List.of((long) vector.length), vector)
                .doubles("sigma." + name, List.of((long) sigma.length), sigma)
                .doubles("scaling." + name, List.of(1L), new double[] {scaling})
                .longs("rank." + name, List.of(1L), new long[] {rank});
    }

    private PrototypeFile read(byte[] bytes) throws IOException {
        Path file = folder.resolve("prototypes.safetensors");
        Files.write(file, bytes);
        return PrototypeFile.read(file);
    }
}
