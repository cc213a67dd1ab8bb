package io.quiver.lora.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsWriterTest {
    @TempDir
    Path folder;

    @Test
    void what_is_written_is_read_back() throws IOException {
        byte[] file = new SafetensorsWriter()
                .metadata("k", "ü \"quoted\"")
                .floats("b", List.of(2L, 1L), new float[] {1.5f, -0f})
                .doubles("a", List.of(), new double[] {Math.PI})
                .toBytes();
        try (SafetensorsFile read = open(file)) {
            assertThat(read.header().metadata()).containsEntry("k", "ü \"quoted\"");
            assertThat(read.floats("b")).containsExactly(1.5f, -0f);
            assertThat(read.doubles("a")).containsExactly(Math.PI);
            assertThat(read.doubles("b")).containsExactly(1.5, -0.0);
            assertThat(read.header().tensor("b").shape()).containsExactly(2L, 1L);
        }
    }

    @Test
    void the_order_of_adding_does_not_change_the_bytes_and_the_data_is_aligned() {
        byte[] one = new SafetensorsWriter()
                .metadata("x", "1")
                .metadata("y", "2")
                .floats("f", List.of(1L), new float[] {1})
                .doubles("d", List.of(1L), new double[] {2})
                .toBytes();
        byte[] other = new SafetensorsWriter()
                .doubles("d", List.of(1L), new double[] {2})
                .metadata("y", "2")
                .floats("f", List.of(1L), new float[] {1})
                .metadata("x", "1")
                .toBytes();

        assertThat(one).isEqualTo(other);
        assertThat(ByteBuffer.wrap(one).order(ByteOrder.LITTLE_ENDIAN).getLong() % 8)
                .isZero();
    }

    @Test
    void tensors_named_first_come_before_others_as_wide_and_after_wider_ones() throws IOException {
        byte[] file = new SafetensorsWriter()
                .first(List.of("z", "y", "absent"))
                .floats("a", List.of(1L), new float[] {1})
                .floats("z", List.of(1L), new float[] {2})
                .floats("y", List.of(1L), new float[] {3})
                .doubles("d", List.of(1L), new double[] {4})
                .toBytes();
        try (SafetensorsFile read = open(file)) {
            assertThat(read.header().tensors()).extracting(TensorInfo::name).containsExactly("d", "y", "z", "a");
            assertThat(read.floats("z")).containsExactly(2);
        }
    }

    @Test
    void a_shape_that_its_data_does_not_fill_and_a_name_given_twice_are_refused() {
        SafetensorsWriter writer = new SafetensorsWriter().floats("a", List.of(1L), new float[] {1});

        assertThatThrownBy(() -> writer.floats("b", List.of(2L), new float[] {1}))
                .hasMessageContaining("do not fill");
        assertThatThrownBy(() -> writer.floats("a", List.of(1L), new float[] {1}))
                .hasMessageContaining("taken");
        assertThatThrownBy(() -> writer.floats("__metadata__", List.of(1L), new float[] {1}))
                .hasMessageContaining("taken");
    }

    @ParameterizedTest
    @CsvSource({
        "F16, 3c00, 1", "F16, c000, -2", "F16, 3555, 0.333251953125", "F16, 7bff, 65504", "F16, 0400, 0x1p-14",
        "F16, 0001, 0x1p-24", "F16, 83ff, -0x1.ff8p-15", "F16, 8000, -0.0", "F16, 7c00, Infinity",
                "F16, fc00, -Infinity",
        "BF16, 3f80, 1", "BF16, c040, -3", "BF16, 0001, 0x1p-133", "BF16, 7f80, Infinity"
    })
    void half_precision_numbers_have_their_exact_values(DType dtype, String bits, String value) throws IOException {
        ByteBuffer data =
                ByteBuffer.allocate(2).order(ByteOrder.LITTLE_ENDIAN).putShort((short) Integer.parseInt(bits, 16));
        try (SafetensorsFile read = open(new SafetensorsWriter()
                .tensor("h", dtype, List.of(1L), data.array())
                .toBytes())) {
            assertThat(read.floats("h")).containsExactly(Float.parseFloat(value));
        }
    }

    @Test
    void whole_numbers_are_not_read_as_floating_point() throws IOException {
        try (SafetensorsFile read = open(
                new SafetensorsWriter().longs("i", List.of(1L), new long[] {7}).toBytes())) {
            assertThatThrownBy(() -> read.floats("i")).hasMessageContaining("I64");
            assertThat(read.bytes("i").getLong()).isEqualTo(7);
        }
    }

    private SafetensorsFile open(byte[] bytes) throws IOException {
        Path path = folder.resolve("file.safetensors");
        Files.write(path, bytes);
        return SafetensorsFile.open(path, SafetensorsLimits.ADAPTER);
    }
}
