package io.quiver.decoder.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.quiver.decoder.torch.TensorProgram.Floats;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The kernels' attention of a prompt against plain loops and against itself, in shapes of real models. */
class PromptAttentionTest {
    private static final String ALONE = """
            class Attention(Module):
              __parameters__ = []
              __buffers__ = []
              training : bool
              unused : Optional[int]

              def attends(self, x: Tensor) -> List[Tensor]:
                return [torch.to(torch.tensor([ops.quiver.attends(x)], dtype=4, device=None, requires_grad=False), 6)]

              def attend(self, threads: int, q: Tensor, keys: Tensor, values: Tensor, start: int, window: int, scale: float, cap: float) -> List[Tensor]:
                tokens, heads, dim = q.shape
                x = torch.to(q, 15)
                k = torch.to(keys, 15)
                v = torch.to(values, 15)
                to = torch.zeros([tokens, heads * dim], dtype=15, layout=None, device=None, pin_memory=None)
                plan = torch.tensor([threads, tokens, start, heads, k.shape[0], dim, torch.stride(x, 0), k.shape[1], window], dtype=4, device=None, requires_grad=False)
                scales = torch.tensor([scale, cap], dtype=7, device=None, requires_grad=False)
                assert ops.quiver.attend(to, x, k, v, plan, scales) == 0, "the kernels failed"
                return [torch.to(to, 6)]
            """;

    private static TensorProgram program;

    @BeforeAll
    static void a_processor_that_multiplies_pairs_of_bfloat16() {
        assumeTrue(Kernels.present(), "SKIPPED: the build made no kernels");
        program = new DjlTensorProgram(TorchScriptArchive.ofText(ALONE), 2);
        float attends =
                program.run("attends", new Floats(new float[] {0}, 1)).get(0).values()[0];
        assumeTrue(attends == 1, "SKIPPED: this processor does not multiply pairs of bfloat16");
    }

    @AfterAll
    static void close() {
        if (program != null) {
            program.close();
        }
    }

    /** A prompt's piece: queries (tokens, heads, dim), keys and values (kvHeads, capacity, dim), NaN behind the piece. */
    private record Piece(
            int tokens, int start, int heads, int kvHeads, int dim, float[] q, float[] keys, float[] values) {
        static Piece random(int tokens, int start, int heads, int kvHeads, int dim) {
            Random random = new Random(7);
            int capacity = start + tokens + 5;
            float[] q = new float[tokens * heads * dim];
            float[] keys = new float[kvHeads * capacity * dim];
            float[] values = new float[keys.length];
            for (int i = 0; i < q.length; i++) {
                q[i] = rounded(2 * random.nextGaussian());
            }
            for (int i = 0; i < keys.length; i++) {
                boolean there = i / dim % capacity < start + tokens;
                keys[i] = there ? rounded(random.nextGaussian()) : Float.NaN;
                values[i] = there ? rounded(random.nextGaussian()) : Float.NaN;
            }
            return new Piece(tokens, start, heads, kvHeads, dim, q, keys, values);
        }

        int capacity() {
            return keys.length / kvHeads / dim;
        }

        /** The tokens from one on, with all that is before them in the cache. */
        Piece from(int token) {
            return new Piece(
                    tokens - token,
                    start + token,
                    heads,
                    kvHeads,
                    dim,
                    Arrays.copyOfRange(q, token * heads * dim, q.length),
                    keys,
                    values);
        }

        float[] attend(int threads, int window, double cap) { // (tokens, heads, dim)
            return program.run(
                            "attend",
                            threads,
                            new Floats(q, tokens, heads, dim),
                            new Floats(keys, kvHeads, capacity(), dim),
                            new Floats(values, kvHeads, capacity(), dim),
                            start,
                            window,
                            1 / Math.sqrt(dim),
                            cap)
                    .get(0)
                    .values();
        }

        /** One token and head by plain loops. // (dim) */
        double[] naive(int token, int head, int window, double cap) {
            int place = start + token;
            int shared = head / (heads / kvHeads);
            double[] weights = new double[place + 1];
            double total = 0;
            for (int key = window == 0 ? 0 : Math.max(0, place - window + 1); key <= place; key++) {
                double score = 0;
                for (int d = 0; d < dim; d++) {
                    score += (double) q[(token * heads + head) * dim + d] * keys[(shared * capacity() + key) * dim + d];
                }
                score /= Math.sqrt(dim);
                weights[key] = Math.exp(cap > 0 ? cap * Math.tanh(score / cap) : score);
                total += weights[key];
            }
            double[] result = new double[dim];
            for (int key = 0; key <= place; key++) {
                for (int d = 0; d < dim && weights[key] > 0; d++) {
                    result[d] += weights[key] / total * values[(shared * capacity() + key) * dim + d];
                }
            }
            return result;
        }
    }

    private static float rounded(double value) {
        return Float.intBitsToFloat((Float.floatToIntBits((float) value) + 0x8000) & 0xffff0000);
    }

    @ParameterizedTest
    @CsvSource({
        "2, 0, 3, 3, 32, 0, 0",
        "70, 0, 9, 3, 64, 0, 0",
        "64, 64, 9, 3, 64, 0, 0",
        "131, 37, 6, 2, 64, 0, 0",
        "90, 0, 4, 1, 96, 0, 0",
        "40, 7, 14, 2, 64, 0, 0",
        "70, 60, 8, 2, 128, 20, 0",
        "150, 63, 4, 4, 32, 64, 0",
        "66, 130, 4, 2, 256, 0, 5"
    })
    void a_piece_attends_as_plain_loops_do_and_to_nothing_behind_it(
            int tokens, int start, int heads, int kvHeads, int dim, int window, double cap) {
        Piece piece = Piece.random(tokens, start, heads, kvHeads, dim);

        float[] result = piece.attend(2, window, cap);

        for (int token = 0; token < tokens; token++) {
            for (int head = 0; head < heads; head++) {
                double[] expected = piece.naive(token, head, window, cap);
                for (int d = 0; d < dim; d++) {
                    // Weights are rounded to 8 bits before they are multiplied, the result once more.
                    assertThat((double) result[(token * heads + head) * dim + d])
                            .as("token %d, head %d, feature %d", token, head, d)
                            .isCloseTo(expected[d], within(0.008 + 0.008 * Math.abs(expected[d])));
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"0", "50"})
    void neither_threads_nor_the_pieces_of_a_prompt_change_a_bit(int window) {
        Piece whole = Piece.random(150, 10, 9, 3, 64);
        float[] expected = whole.attend(2, window, 0);

        assertThat(whole.attend(1, window, 0)).isEqualTo(expected);
        assertThat(whole.attend(3, window, 0)).isEqualTo(expected);
        for (int from : new int[] {1, 30, 54, 148}) {
            assertThat(whole.from(from).attend(2, window, 0))
                    .isEqualTo(Arrays.copyOfRange(expected, from * 9 * 64, expected.length));
        }
    }
}
