package io.quiver.decoder.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.quiver.decoder.torch.TensorProgram.Floats;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Weights of 8 and 4 bits, byte by byte. */
class QuantizedWeightsTest {
    private static final int BLOCK = 64;
    private static final int GROUP = 32;

    private static TensorProgram program;

    @BeforeAll
    static void compile() throws IOException {
        StringBuilder text = new StringBuilder();
        for (String piece : List.of("quantize.torchscript", "quantize-probe.torchscript")) {
            try (var resource = QuantizedWeightsTest.class.getResourceAsStream(piece)) {
                text.append(new String(resource.readAllBytes(), StandardCharsets.UTF_8));
            }
        }
        program = new DjlTensorProgram(TorchScriptArchive.ofText(text.toString()), 1);
    }

    @AfterAll
    static void close() {
        program.close();
    }

    /** @param bytes of a quantised matrix // (out, bytes of a row) @param weights that they stand for // (out, in) */
    private record Quantized(int[] bytes, float[] weights) {}

    private static Quantized quantized(float[] weights, int out, int in, int bits) {
        List<Floats> made = program.run("quantized", new Floats(weights, out, in), bits);
        float[] numbers = made.get(0).values();
        int[] bytes = new int[numbers.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (int) numbers[i];
        }
        return new Quantized(bytes, made.get(1).values());
    }

    @Test
    void eight_bits_by_hand() {
        // The largest of the first group is 127/64, so a step is 1/64; of the second group, 127/4 and 1/4.
        float[] row = new float[34];
        row[0] = 127 / 64f;
        row[1] = -0.5f / 64; // to the even neighbour, 0
        row[2] = 1.5f / 64; // 2
        row[3] = -2.5f / 64; // -2
        row[4] = 2.75f / 64; // 3
        row[33] = -127 / 4f;
        Quantized made = quantized(row, 1, 34, 8);
        assertThat(made.bytes()).hasSize(BLOCK + 4);
        assertThat(made.bytes()).startsWith(127, 0, 2, 256 - 2, 3, 0);
        assertThat(made.bytes()[33]).isEqualTo(256 - 127);
        // 1/64 is 0x3C80 in bfloat16, 1/4 is 0x3E80; the lower byte lies first.
        assertThat(made.bytes()).endsWith(0x80, 0x3C, 0x80, 0x3E);
        assertThat(made.weights()).hasSize(34);
        assertThat(made.weights()).startsWith(127 / 64f, 0, 2 / 64f, -2 / 64f, 3 / 64f, 0);
        assertThat(made.weights()[33]).isEqualTo(-31.75f);
    }

    @Test
    void four_bits_by_hand() {
        // The largest of the first group is -1, so a step is 1/8; of the second group 8, and a step is -1.
        float[] row = new float[BLOCK];
        row[0] = -1;
        row[1] = -2.5f / 8; // to the even neighbour, -2
        row[2] = 7.75f / 8; // 8 is beyond the codes: 7
        row[GROUP] = 8;
        row[GROUP + 1] = 3.5f; // -4
        Quantized made = quantized(row, 1, BLOCK, 4);
        assertThat(made.bytes()).hasSize(BLOCK / 2 + 4);
        assertThat(made.bytes())
                .startsWith((-8 + 8) | (-8 + 8) << 4, (-2 + 8) | (-4 + 8) << 4, (7 + 8) | 8 << 4, 8 | 8 << 4);
        // 1/8 is 0x3E00 in bfloat16, -1 is 0xBF80.
        assertThat(made.bytes()).endsWith(0x00, 0x3E, 0x80, 0xBF);
        assertThat(made.weights()).startsWith(-1, -0.25f, 0.875f, 0);
        assertThat(made.weights()[GROUP]).isEqualTo(8);
        assertThat(made.weights()[GROUP + 1]).isEqualTo(4);
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 4})
    void zeros_stay_zeros(int bits) {
        assertThat(quantized(new float[2 * 70], 2, 70, bits).weights())
                .containsOnly(0f)
                .hasSize(140);
    }

    /** A matrix of weights whose rows differ in size by orders of magnitude. */
    private record Matrix(long seed, int out, int in, int bits, float[] weights) {
        static Matrix random(long seed, int bits) {
            Random random = new Random(seed);
            int out = 1 + random.nextInt(6);
            int in = 1 + random.nextInt(200);
            float[] weights = new float[out * in];
            for (int row = 0; row < out; row++) {
                double size = Math.pow(10, random.nextInt(9) - 5);
                for (int i = 0; i < in; i++) {
                    weights[row * in + i] = (float) (size * random.nextGaussian());
                }
            }
            return new Matrix(seed, out, in, bits, weights);
        }

        @Override
        public String toString() {
            return out + " x " + in + ", " + bits + " bits, seed " + seed;
        }
    }

    static Stream<Matrix> matrices() {
        return Stream.iterate(0L, seed -> seed + 1).limit(30).map(seed -> Matrix.random(seed, seed % 2 == 0 ? 8 : 4));
    }

    @ParameterizedTest
    @MethodSource("matrices")
    void no_weight_is_off_by_more_than_half_a_step_unless_four_bits_do_not_reach_it(Matrix matrix) {
        int in = matrix.in();
        Quantized made = quantized(matrix.weights(), matrix.out(), in, matrix.bits());
        for (int row = 0; row < matrix.out(); row++) {
            for (int i = 0; i < in; i++) {
                float weight = matrix.weights()[row * in + i];
                double step = scale(made, matrix, row, i);
                double exact = code(made, matrix, row, i) * step;
                boolean beyond = matrix.bits() == 4 && weight / step > 7.5;
                assertThat(exact).isCloseTo(weight, within(Math.abs(step) * (beyond ? 1.01 : 0.5001)));
                // What libtorch multiplies is that, rounded to bfloat16.
                assertThat((double) made.weights()[row * in + i]).isCloseTo(exact, within(Math.abs(exact) / 256));
                // No step is wider than it must be; a scale has eight binary digits.
                assertThat(Math.abs(step) * (matrix.bits() == 8 ? 127 : 8))
                        .isCloseTo(largest(matrix, row, i), within(largest(matrix, row, i) / 127.0));
            }
        }
    }

    @Test
    void the_same_weights_give_the_same_bytes() {
        Matrix matrix = Matrix.random(77, 4);
        assertThat(quantized(matrix.weights(), matrix.out(), matrix.in(), 4).bytes())
                .isEqualTo(quantized(matrix.weights(), matrix.out(), matrix.in(), 4)
                        .bytes());
    }

    private static float largest(Matrix matrix, int row, int column) {
        float most = 0;
        int first = column / GROUP * GROUP;
        for (int i = first; i < Math.min(first + GROUP, matrix.in()); i++) {
            most = Math.max(most, Math.abs(matrix.weights()[row * matrix.in() + i]));
        }
        return most;
    }

    private static int blocks(Matrix matrix) {
        return (matrix.in() + BLOCK - 1) / BLOCK;
    }

    /** A code as the layout of quantize.torchscript has it, read without libtorch. */
    private static int code(Quantized made, Matrix matrix, int row, int column) {
        int padded = blocks(matrix) * BLOCK;
        if (matrix.bits() == 8) {
            return (byte) made.bytes()[row * padded + column];
        }
        int inBlock = column % BLOCK;
        int both = made.bytes()[row * padded / 2 + column / BLOCK * GROUP + inBlock % GROUP];
        return (inBlock < GROUP ? both & 15 : both >> 4) - 8;
    }

    private static float scale(Quantized made, Matrix matrix, int row, int column) {
        int padded = blocks(matrix) * BLOCK;
        int codes = matrix.out() * padded * matrix.bits() / 8;
        int at = codes + 2 * (row * padded / GROUP + column / GROUP);
        return Float.intBitsToFloat(made.bytes()[at] << 16 | made.bytes()[at + 1] << 24);
    }
}
