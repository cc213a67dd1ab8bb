package io.quiver.lora.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quiver.lora.Fixtures;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class SafetensorsInspectorTest {
    @ParameterizedTest
    @MethodSource("io.quiver.lora.Fixtures#adapters")
    void adapters_written_by_peft_are_finite_and_not_zero(String adapter) {
        byte[] file = Fixtures.bytes("adapters/" + adapter + "/adapter_model.safetensors");

        assertThat(inspect(file, file.length, new Random(1)).findings())
                .allMatch(TensorFinding::isFinite)
                .noneMatch(TensorFinding::allZero);
    }

    @Test
    void the_outcome_does_not_depend_on_how_the_bytes_are_cut() {
        byte[] file = everyType(new Random(4));
        SafetensorsInspection whole = inspect(file, file.length, new Random(0));

        assertThat(whole.findings()).anyMatch(TensorFinding::allZero).anyMatch(finding -> !finding.isFinite());
        assertThat(inspect(file, 1, new Random(0)).findings()).isEqualTo(whole.findings());
        for (long seed = 1; seed <= 200; seed++) {
            Random random = new Random(seed);
            assertThat(inspect(file, 1 + random.nextInt(40), random).findings())
                    .as("seed %d", seed)
                    .isEqualTo(whole.findings());
        }
    }

    @Test
    void broken_files_are_refused_alike_however_they_are_cut() {
        byte[] file = everyType(new Random(4));
        byte[] brokenHeader = file.clone();
        brokenHeader[20] = '!';
        for (byte[] broken : List.of(
                Arrays.copyOf(file, 5),
                Arrays.copyOf(file, 100),
                Arrays.copyOf(file, file.length - 1),
                Arrays.copyOf(file, file.length + 3),
                brokenHeader)) {
            String whole = failure(broken, broken.length, new Random(0));
            for (long seed = 1; seed <= 20; seed++) {
                assertThat(failure(broken, 7, new Random(seed))).isEqualTo(whole);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "F64, 7ff0000000000000, 7ff8000000000000, 47efffffe0000000",
        "F64, 47efffffe0000001, fff0000000000000, c7efffffe0000000",
        "F32, 7f800000, ff800001, ff7fffff",
        "F16, 7c00, fe00, fbff",
        "BF16, 7f80, ffc0, ff7f"
    })
    void the_first_infinity_or_nan_is_found_and_the_largest_number_is_not_one(
            DType dtype, String infinity, String nan, String largest) {
        assertThat(findingOf(dtype, largest, largest, infinity, nan).firstNotFiniteIndex())
                .isEqualTo(2);
        assertThat(findingOf(dtype, nan, largest).firstNotFiniteIndex()).isEqualTo(0);
        assertThat(findingOf(dtype, largest, largest).isFinite()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "F64, 8000000000000000, 0000000000000001",
        "F32, 80000000, 00000001",
        "F16, 8000, 0001",
        "BF16, 8000, 0001"
    })
    void zeros_of_either_sign_are_zero_and_the_smallest_number_is_not(
            DType dtype, String negativeZero, String smallest) {
        String zero = "0".repeat(negativeZero.length());
        assertThat(findingOf(dtype, zero, negativeZero, zero).allZero()).isTrue();
        assertThat(findingOf(dtype, zero, smallest, zero).allZero()).isFalse();
    }

    @Test
    void reading_stops_to_be_worth_while_once_the_header_is_broken() {
        SafetensorsInspector inspector = new SafetensorsInspector(SafetensorsLimits.ADAPTER);
        byte[] huge = ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(1L << 40)
                .array();

        inspector.update(huge, 0, 7);
        assertThat(inspector.isHopeless()).isFalse();
        inspector.update(huge, 7, 1);
        assertThat(inspector.isHopeless()).isTrue();
        assertThatThrownBy(inspector::finish).hasMessageContaining("safetensors_header_too_large");
    }

    /** Tensors of every type and odd sizes, some zero, some with NaN and infinity, some without elements. */
    private static byte[] everyType(Random random) {
        SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
        for (DType dtype : DType.values()) {
            for (int kind = 0; kind < 4; kind++) {
                int elements = kind == 3 ? 0 : 1 + random.nextInt(13);
                byte[] data = new byte[elements * dtype.elementBytes()];
                if (kind == 1) {
                    random.nextBytes(data);
                }
                if (kind == 2) {
                    Arrays.fill(data, data.length / 2, data.length, (byte) 0xff);
                }
                writer.tensor(dtype + "." + kind, dtype, List.of((long) elements), data);
            }
        }
        return writer.toBytes();
    }

    private static TensorFinding findingOf(DType dtype, String... bits) {
        ByteBuffer data =
                ByteBuffer.allocate(bits.length * dtype.elementBytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (String one : bits) {
            long value = Long.parseUnsignedLong(one, 16);
            switch (dtype.elementBytes()) {
                case 8 -> data.putLong(value);
                case 4 -> data.putInt((int) value);
                default -> data.putShort((short) value);
            }
        }
        byte[] file = new SafetensorsWriter()
                .tensor("t", dtype, List.of((long) bits.length), data.array())
                .toBytes();
        return inspect(file, file.length, new Random(1)).findings().get(0);
    }

    private static String failure(byte[] file, int pieceBytesMax, Random random) {
        try {
            inspect(file, pieceBytesMax, random);
            throw new AssertionError("the file should have been refused");
        } catch (InvalidSafetensorsException e) {
            return e.getMessage();
        }
    }

    private static SafetensorsInspection inspect(byte[] file, int pieceBytesMax, Random random) {
        SafetensorsInspector inspector = new SafetensorsInspector(SafetensorsLimits.ADAPTER);
        int position = 0;
        while (position < file.length) {
            int piece = Math.min(file.length - position, 1 + random.nextInt(pieceBytesMax));
            byte[] shifted = new byte[piece + 3];
            System.arraycopy(file, position, shifted, 3, piece);
            inspector.update(shifted, 3, piece);
            position += piece;
        }
        return inspector.finish();
    }
}
