package io.quiver.lora.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.quiver.lora.Fixtures;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class ArrowGateTest {
    @Test
    void the_case_worked_by_hand_comes_out_to_twelve_digits() {
        JsonNode trace = Fixtures.json("cases/trace.json");
        List<double[]> prototypes = new ArrayList<>();
        List<MixExperts.Update> updates = new ArrayList<>();
        for (JsonNode expert : trace.get("experts")) {
            MixExperts.Update update = update(expert, expert.get("alpha").doubleValue());
            LowRankSvd svd = LowRankSvd.of(flat(update.a()), flat(update.b()), 2, 4, 3);
            assertThat(svd.sigma()).containsExactly(Fixtures.doubles(expert.get("sigma")), within(1e-12));
            assertThat(svd.right()).containsExactly(Fixtures.doubles(expert.get("prototype")), within(1e-12));
            prototypes.add(svd.right());
            updates.add(update);
        }
        double[][] w = matrix(trace.get("W"));
        for (JsonNode run : trace.get("runs")) {
            int topK = run.get("top_k").isNull()
                    ? prototypes.size()
                    : run.get("top_k").intValue();
            ArrowGate gate = new ArrowGate(topK, run.get("temperature").doubleValue());
            for (int t = 0; t < 3; t++) {
                double[] x = Fixtures.doubles(trace.get("x").get(t));
                double[] scores = ArrowGate.scores(x, List.copyOf(prototypes));
                double[] coefficients = gate.coefficients(scores);
                assertClose(scores, trace.get("scores").get(t));
                assertClose(coefficients, run.get("coefficients").get(t));
                assertClose(
                        MixExperts.outputs(w, x, List.copyOf(updates), coefficients),
                        run.get("y_outputs").get(t));
                assertClose(
                        MixExperts.factors(w, x, List.copyOf(updates), coefficients),
                        run.get("y_factors").get(t));
            }
        }
    }

    @Test
    void mixing_factors_is_not_mixing_outputs() {
        JsonNode cases = Fixtures.json("cases/factors.json");
        assertThat(cases.size()).isEqualTo(4);
        for (JsonNode one : cases) {
            List<MixExperts.@Nullable Update> updates = new ArrayList<>();
            for (int e = 0; e < 2; e++) {
                double[][] a = matrix(one.get("A").get(e));
                updates.add(new MixExperts.Update(
                        a, matrix(one.get("B").get(e)), one.get("alpha").doubleValue() / a.length));
            }
            double[][] w = matrix(one.get("W"));
            double[] x = Fixtures.doubles(one.get("x"));
            double[] weights = Fixtures.doubles(one.get("weights"));
            double[] y = one.get("combine").stringValue().equals("factors")
                    ? MixExperts.factors(w, x, updates, weights)
                    : MixExperts.outputs(w, x, updates, weights);
            assertClose(y, one.get("y"));
        }
    }

    @Test
    void one_expert_alone_is_plain_lora_in_both_forms() {
        Random random = new Random(3);
        MixExperts.Update update = new MixExperts.Update(matrix(random, 3, 7), matrix(random, 5, 3), 1.5);
        double[][] w = matrix(random, 5, 7);
        double[] x = random.doubles(7, -2, 2).toArray();
        double[] all = new ArrowGate(4, 0.7).coefficients(new double[] {0.3});

        double[] plain = new double[5];
        for (int o = 0; o < 5; o++) {
            for (int i = 0; i < 7; i++) {
                double delta = 0;
                for (int r = 0; r < 3; r++) {
                    delta += update.b()[o][r] * update.a()[r][i];
                }
                plain[o] += (w[o][i] + 1.5 * delta) * x[i];
            }
        }
        assertThat(all).containsExactly(1);
        assertThat(MixExperts.outputs(w, x, List.of(update), all)).containsExactly(plain, within(1e-12));
        assertThat(MixExperts.factors(w, x, List.of(update), all)).containsExactly(plain, within(1e-12));
    }

    @Test
    void an_expert_that_lacks_the_module_is_never_chosen() {
        List<double @Nullable []> prototypes = Arrays.asList(new double[] {1, 0}, null, new double[] {0, 1});

        double[] scores = ArrowGate.scores(new double[] {0, -2}, prototypes);

        assertThat(scores).containsExactly(0, ArrowGate.NOT_ELIGIBLE, 2);
        assertThat(new ArrowGate(3, 1).coefficients(scores)[1]).isZero();
        assertThat(Arrays.stream(new ArrowGate(3, 1).coefficients(scores)).sum())
                .isCloseTo(1, within(1e-15));
    }

    @Test
    void without_eligible_experts_the_layer_is_the_base_layer() {
        double[] coefficients = new ArrowGate(2, 1).coefficients(new double[] {-1, -1});

        assertThat(coefficients).containsExactly(0, 0);
        assertThat(MixExperts.outputs(new double[][] {{2}}, new double[] {3}, Arrays.asList(null, null), coefficients))
                .containsExactly(6);
        assertThat(MixExperts.factors(new double[][] {{2}}, new double[] {3}, Arrays.asList(null, null), coefficients))
                .containsExactly(6);
    }

    @Test
    void of_equal_scores_the_first_expert_is_chosen() {
        assertThat(new ArrowGate(2, 1).coefficients(new double[] {1, 3, 1, 1})).satisfies(coefficients -> {
            assertThat(coefficients[0]).isPositive();
            assertThat(coefficients[2]).isZero();
            assertThat(coefficients[3]).isZero();
        });
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void choosing_as_many_as_there_are_is_choosing_all(long seed) {
        double[] scores = new Random(seed).doubles(9, 0, 5).toArray();

        assertThat(new ArrowGate(9, 0.8).coefficients(scores))
                .isEqualTo(new ArrowGate(Integer.MAX_VALUE, 0.8).coefficients(scores));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void the_sign_of_a_prototype_does_not_matter(long seed) {
        Random random = new Random(seed);
        double[] x = random.doubles(6, -1, 1).toArray();
        double[] p = random.doubles(6, -1, 1).toArray();
        double[] flipped = Arrays.stream(p).map(value -> -value).toArray();

        assertThat(ArrowGate.scores(x, List.of(p))).isEqualTo(ArrowGate.scores(x, List.of(flipped)));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void identical_experts_are_that_expert_when_outputs_or_factors_are_mixed(long seed) {
        Random random = new Random(seed);
        MixExperts.Update update = new MixExperts.Update(matrix(random, 2, 6), matrix(random, 4, 2), 0.5);
        double[][] w = matrix(random, 4, 6);
        double[] x = random.doubles(6, -1, 1).toArray();
        double[] mixed =
                new ArrowGate(3, 1).coefficients(random.doubles(3, 0, 2).toArray());
        double[] alone = MixExperts.outputs(w, x, List.of(update), new double[] {1});

        assertThat(MixExperts.outputs(w, x, List.of(update, update, update), mixed))
                .containsExactly(alone, within(1e-13));
        assertThat(MixExperts.factors(w, x, List.of(update, update, update), mixed))
                .containsExactly(alone, within(1e-13));
    }

    @Test
    void huge_scores_do_not_overflow() {
        assertThat(new ArrowGate(2, 1e-3).coefficients(new double[] {1e6, 1e6 - 1}))
                .containsExactly(1, 0);
    }

    @Test
    void a_gate_that_chooses_nobody_or_divides_by_zero_is_refused() {
        assertThatThrownBy(() -> new ArrowGate(0, 1)).hasMessageContaining("topK must be at least 1");
        assertThatThrownBy(() -> new ArrowGate(1, 0)).hasMessageContaining("temperature must be above 0");
        assertThatThrownBy(() -> new ArrowGate(1, Double.NaN)).hasMessageContaining("temperature must be above 0");
    }

    private static void assertClose(double[] actual, JsonNode expected) {
        assertThat(actual).containsExactly(Fixtures.doubles(expected), within(1e-12));
    }

    private static MixExperts.Update update(JsonNode expert, double alpha) {
        double[][] a = matrix(expert.get("A"));
        return new MixExperts.Update(a, matrix(expert.get("B")), alpha / a.length);
    }

    private static double[][] matrix(JsonNode rows) {
        double[][] matrix = new double[rows.size()][];
        for (int i = 0; i < matrix.length; i++) {
            matrix[i] = Fixtures.doubles(rows.get(i));
        }
        return matrix;
    }

    private static double[][] matrix(Random random, int rows, int columns) {
        double[][] matrix = new double[rows][];
        for (int i = 0; i < rows; i++) {
            matrix[i] = random.doubles(columns, -1, 1).toArray();
        }
        return matrix;
    }

    private static double[] flat(double[][] matrix) {
        return Arrays.stream(matrix).flatMapToDouble(Arrays::stream).toArray();
    }
}
