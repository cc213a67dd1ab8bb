package io.quiver.decoder.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.quiver.decoder.torch.TensorProgram.Floats;
import io.quiver.lora.arrow.ArrowGate;
import io.quiver.lora.arrow.MixExperts;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every fast way to add the experts' part, with oneDNN's and with plain linear layers, against loops in double precision. */
class RoutingFormulationsTest {
    private static final double SAME = 2e-5;
    private static TensorProgram oneDnn;
    private static TensorProgram plain;

    @BeforeAll
    static void compile() throws IOException {
        oneDnn = program("linear-onednn.torchscript");
        plain = program("linear-plain.torchscript");
    }

    private static TensorProgram program(String linear) throws IOException {
        StringBuilder text = new StringBuilder();
        for (String piece : List.of(linear, "routing.torchscript", "routing-probe.torchscript")) {
            try (var resource = RoutingFormulationsTest.class.getResourceAsStream(piece)) {
                text.append(new String(resource.readAllBytes(), StandardCharsets.UTF_8));
            }
        }
        return new DjlTensorProgram(TorchScriptArchive.ofText(text.toString()), 1);
    }

    @AfterAll
    static void close() {
        oneDnn.close();
        plain.close();
    }

    /** @param outs by linear; slots holds more experts than the library, which is `library` in its order */
    private record Setting(long seed, int in, int[] outs, int rank, int experts, int[] library, int topK, int tokens) {
        @Override
        public String toString() {
            return "seed " + seed + ", in " + in + ", linears " + outs.length + ", rank " + rank + ", " + library.length
                    + " of " + experts + " experts, top " + topK + ", " + tokens + " tokens";
        }
    }

    static Stream<Setting> settings() {
        Random random = new Random(20);
        return Stream.iterate(0, i -> i + 1).limit(24).map(i -> {
            int width = 1 + random.nextInt(13);
            int[] outs = i % 3 == 0
                    ? new int[] {3 * width, width, width}
                    : i % 3 == 1 ? new int[] {width} : new int[] {width, width};
            int experts = 1 + random.nextInt(23);
            int n = 1 + random.nextInt(experts);
            List<Integer> order = new ArrayList<>();
            for (int e = 0; e < experts; e++) {
                order.add(e);
            }
            java.util.Collections.shuffle(order, random);
            int[] library =
                    order.subList(0, n).stream().mapToInt(Integer::intValue).toArray();
            return new Setting(
                    i,
                    2 + random.nextInt(31),
                    outs,
                    1 + random.nextInt(5),
                    experts,
                    library,
                    1 + random.nextInt(n),
                    1 + random.nextInt(9));
        });
    }

    /** Random experts in a pool's layout, and the same as plain matrices. */
    private static final class Data {
        final Setting setting;
        final Random random;
        final int g;
        final int width;
        final int[] pieces;
        final List<List<MixExperts.Update>> updates = new ArrayList<>(); // (experts) of (linears)
        final Floats a;
        final Floats b;
        final double[][] prototypes; // (linears * library, in)
        final double[][] x; // (tokens, in)

        Data(Setting setting) {
            this.setting = setting;
            random = new Random(setting.seed);
            g = setting.outs.length;
            int last = setting.outs[g - 1];
            width = last;
            pieces = g == 3 ? new int[] {0, 0, 0, 1, 2} : g == 2 ? new int[] {0, 1} : new int[] {0};
            for (int e = 0; e < setting.experts; e++) {
                // Some experts have a lower rank than the pool.
                int rank = 1 + random.nextInt(setting.rank);
                List<MixExperts.Update> ofExpert = new ArrayList<>();
                for (int out : setting.outs) {
                    ofExpert.add(new MixExperts.Update(matrix(rank, setting.in), matrix(out, rank), 1));
                }
                updates.add(ofExpert);
            }
            a = poolA();
            b = poolB();
            prototypes = matrix(g * setting.library.length, setting.in);
            x = matrix(setting.tokens, setting.in);
        }

        private double[][] matrix(int rows, int columns) {
            double[][] matrix = new double[rows][columns];
            for (double[] row : matrix) {
                for (int i = 0; i < columns; i++) {
                    row[i] = (float) (random.nextGaussian() / Math.sqrt(columns));
                }
            }
            return matrix;
        }

        private Floats poolA() {
            int slots = setting.experts + 1;
            float[] pool = new float[slots * g * setting.rank * setting.in];
            for (int e = 0; e < setting.experts; e++) {
                for (int j = 0; j < g; j++) {
                    double[][] matrix = updates.get(e).get(j).a();
                    for (int r = 0; r < matrix.length; r++) {
                        for (int i = 0; i < setting.in; i++) {
                            pool[(((e + 1) * g + j) * setting.rank + r) * setting.in + i] = (float) matrix[r][i];
                        }
                    }
                }
            }
            return new Floats(pool, (long) slots * g, (long) setting.rank * setting.in);
        }

        private Floats poolB() {
            int slots = setting.experts + 1;
            float[] pool = new float[slots * pieces.length * setting.rank * width];
            for (int e = 0; e < setting.experts; e++) {
                for (int c = 0; c < pieces.length; c++) {
                    double[][] matrix = updates.get(e).get(pieces[c]).b();
                    int first = pieces[c] == 0 ? c * width : 0;
                    for (int r = 0; r < matrix[0].length; r++) {
                        for (int i = 0; i < width; i++) {
                            pool[(((e + 1) * pieces.length + c) * setting.rank + r) * width + i] =
                                    (float) matrix[first + i][r];
                        }
                    }
                }
            }
            return new Floats(pool, (long) slots * pieces.length * setting.rank, width);
        }

        int[] slots() {
            int[] slots = new int[setting.library.length];
            for (int e = 0; e < slots.length; e++) {
                slots[e] = setting.library[e] + 1;
            }
            return slots;
        }

        static Floats floats(double[][] matrix) {
            float[] values = new float[matrix.length * matrix[0].length];
            for (int row = 0; row < matrix.length; row++) {
                for (int i = 0; i < matrix[0].length; i++) {
                    values[row * matrix[0].length + i] = (float) matrix[row][i];
                }
            }
            return new Floats(values, matrix.length, matrix[0].length);
        }

        /** The experts' part for one token, all linears one after the other. */
        double[] naive(double[] token, List<double[]> coefficients, boolean factors) {
            List<Double> y = new ArrayList<>();
            for (int j = 0; j < g; j++) {
                List<MixExperts.Update> ofLibrary = new ArrayList<>();
                for (int e : setting.library) {
                    ofLibrary.add(updates.get(e).get(j));
                }
                double[][] nothing = new double[setting.outs[j]][setting.in];
                double[] part = factors
                        ? MixExperts.factors(nothing, token, ofLibrary, coefficients.get(j))
                        : MixExperts.outputs(nothing, token, ofLibrary, coefficients.get(j));
                for (double value : part) {
                    y.add(value);
                }
            }
            return y.stream().mapToDouble(Double::doubleValue).toArray();
        }

        List<double[]> prototypesOf(int linear) {
            int n = setting.library.length;
            return List.of(prototypes).subList(linear * n, (linear + 1) * n);
        }
    }

    @ParameterizedTest
    @MethodSource("settings")
    void all_formulations_of_arrow_agree_with_plain_loops(Setting setting) {
        Data data = new Data(setting);
        double temperature = setting.seed % 4 == 0 ? 1 : 0.1 + data.random.nextDouble();
        for (boolean factors : new boolean[] {false, true}) {
            for (String formulation : List.of("gather", "dense", "select")) {
                for (TensorProgram program : List.of(oneDnn, plain)) {
                    checkRouted(data, program, formulation, temperature, factors);
                }
            }
        }
    }

    private static void checkRouted(
            Data data, TensorProgram program, String formulation, double temperature, boolean factors) {
        Setting setting = data.setting;
        int n = setting.library.length;
        List<Floats> results = program.run(
                "routed",
                formulation,
                Data.floats(data.x),
                data.a,
                data.b,
                Data.floats(data.prototypes),
                data.slots(),
                data.g,
                data.pieces,
                setting.topK,
                setting.rank,
                1 / temperature,
                factors);
        float[] y = results.get(2).values();
        int out = y.length / setting.tokens;
        for (int t = 0; t < setting.tokens; t++) {
            List<double[]> coefficients = new ArrayList<>();
            for (int j = 0; j < data.g; j++) {
                double[] scores = ArrowGate.scores(data.x[t], data.prototypesOf(j));
                double[] expected = new ArrowGate(setting.topK, temperature).coefficients(scores);
                coefficients.add(expected);
                for (int e = 0; e < n; e++) {
                    int at = (t * data.g + j) * n + e;
                    assertThat((double) results.get(0).values()[at]).isEqualTo(scores[e], within(SAME));
                    assertThat((double) results.get(1).values()[at]).isEqualTo(expected[e], within(SAME));
                }
            }
            double[] expected = data.naive(data.x[t], coefficients, factors);
            assertThat(out).isEqualTo(expected.length);
            for (int i = 0; i < out; i++) {
                assertThat((double) y[t * out + i])
                        .as("%s, factors %s, token %d, output %d", formulation, factors, t, i)
                        .isEqualTo(expected[i], within(SAME));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("settings")
    void constant_coefficients_agree_with_plain_loops(Setting setting) {
        Data data = new Data(setting);
        int n = setting.library.length;
        double[][] coefficients = data.matrix(1, n);
        for (TensorProgram program : List.of(oneDnn, plain)) {
            float[] y = program.run(
                            "constant",
                            Data.floats(data.x),
                            data.a,
                            data.b,
                            Data.floats(data.prototypes),
                            data.slots(),
                            data.g,
                            data.pieces,
                            setting.rank,
                            Data.floats(coefficients))
                    .get(0)
                    .values();
            int out = y.length / setting.tokens;
            for (int t = 0; t < setting.tokens; t++) {
                List<double[]> same = new ArrayList<>();
                for (int j = 0; j < data.g; j++) {
                    same.add(coefficients[0]);
                }
                double[] expected = data.naive(data.x[t], same, false);
                for (int i = 0; i < out; i++) {
                    assertThat((double) y[t * out + i]).isEqualTo(expected[i], within(SAME));
                }
            }
        }
    }
}
