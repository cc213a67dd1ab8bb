package io.quiver.lora.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LowRankSvdTest {

    @Test
    void a_product_worked_by_hand() {
        // B·A = diag(3, 4) with a zero third column: σ = 4, 3 and the top direction is the second axis.
        double[] a = {1, 0, 0, 0, 1, 0}; // (2, 3)
        double[] b = {3, 0, 0, -4}; // (2, 2)

        LowRankSvd svd = LowRankSvd.of(a, b, 2, 3, 2);

        assertThat(svd.sigma()).containsExactly(new double[] {4, 3}, within(1e-15));
        assertThat(svd.right()).containsExactly(new double[] {0, 1, 0}, within(1e-15));
    }

    @Test
    void the_largest_component_is_positive_and_of_equal_ones_the_first() {
        LowRankSvd svd = LowRankSvd.of(new double[] {-2, 2, -1}, new double[] {1}, 1, 3, 1);

        assertThat(svd.right()).containsExactly(new double[] {2 / 3.0, -2 / 3.0, 1 / 3.0}, within(1e-15));
    }

    @ParameterizedTest
    @CsvSource({
        "1, 17, 5",
        "1, 1, 1",
        "4, 32, 48",
        "4, 48, 32",
        "8, 8, 64",
        "8, 64, 8",
        "16, 5, 9",
        "9, 16, 5",
        "12, 3, 1",
        "12, 1, 3",
        "64, 96, 80",
        "3, 1021, 13"
    })
    void a_prototype_is_a_unit_vector_in_the_row_space_of_a_that_the_product_stretches_by_the_first_singular_value(
            int rank, int in, int out) {
        for (long seed = 1; seed <= 20; seed++) {
            Random random = new Random(seed);
            double[] a = gaussian(random, rank * in);
            double[] b = gaussian(random, out * rank);

            LowRankSvd svd = LowRankSvd.of(a, b, rank, in, out);

            double[] p = svd.right();
            double first = svd.sigma()[0];
            assertThat(svd.sigma()).hasSize(Math.min(rank, Math.min(in, out)));
            assertThat(norm(p)).isCloseTo(1, within(1e-13));
            double[] stretched = times(b, times(a, p, rank, in), out, rank);
            assertThat(norm(stretched)).isCloseTo(first, within(1e-12 * first));
            // (BA)ᵀ(BA) p = σ₁² p, so p is a combination of A's rows and no other direction leads away from it.
            double[] back = timesTransposed(a, timesTransposed(b, stretched, out, rank), rank, in);
            for (int i = 0; i < in; i++) {
                assertThat(back[i]).isCloseTo(first * first * p[i], within(1e-11 * first * first));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"4, 32, 48", "16, 5, 9", "8, 64, 8", "64, 96, 80"})
    void all_squared_singular_values_add_up_to_the_squares_of_the_product(int rank, int in, int out) {
        Random random = new Random(7);
        double[] a = gaussian(random, rank * in);
        double[] b = gaussian(random, out * rank);

        double sum = Arrays.stream(LowRankSvd.of(a, b, rank, in, out).sigma())
                .map(value -> value * value)
                .sum();

        double expected = 0;
        for (int i = 0; i < out; i++) {
            for (int j = 0; j < in; j++) {
                double entry = 0;
                for (int k = 0; k < rank; k++) {
                    entry += b[i * rank + k] * a[k * in + j];
                }
                expected += entry * entry;
            }
        }
        assertThat(sum).isCloseTo(expected, within(1e-11 * expected));
    }

    @ParameterizedTest
    @ValueSource(ints = {-500, -140, -3, 5, 90, 400})
    void moving_a_factor_of_two_from_a_to_b_changes_not_one_bit(int exponent) {
        Random random = new Random(11);
        double[] a = gaussian(random, 4 * 24);
        double[] b = gaussian(random, 18 * 4);

        LowRankSvd plain = LowRankSvd.of(a, b, 4, 24, 18);
        LowRankSvd moved = LowRankSvd.of(map(a, exponent), map(b, -exponent), 4, 24, 18);

        assertThat(moved.right()).isEqualTo(plain.right());
        assertThat(moved.sigma()).isEqualTo(plain.sigma());
    }

    @Test
    void small_singular_values_are_right_to_1e_9_of_the_largest() {
        // B = diag(values) and A = I, both turned by the same rotation in the middle: σ are the values.
        double[] values = {1, 1e-3, 3e-8, 1e-9, 1e-12, 0};
        int rank = values.length;
        double[] rotation = rotation(new Random(5), rank);
        double[] a = new double[rank * rank];
        double[] b = new double[rank * rank];
        for (int i = 0; i < rank; i++) {
            for (int j = 0; j < rank; j++) {
                a[i * rank + j] = rotation[i * rank + j];
                b[i * rank + j] = values[i] * rotation[j * rank + i];
            }
        }

        LowRankSvd svd = LowRankSvd.of(a, b, rank, rank, rank);

        assertThat(svd.sigma()).containsExactly(values, within(1e-14));
    }

    @Test
    void a_direction_is_found_when_two_singular_values_are_nearly_equal() {
        double[] a = {1, 0, 0, 0, 1, 0};
        double[] b = {1, 0, 0, 1 - 1e-12};

        assertThat(LowRankSvd.of(a, b, 2, 3, 2).right()).containsExactly(new double[] {1, 0, 0}, within(1e-3));
    }

    @Test
    void a_zero_product_has_no_direction() {
        double[] zero = new double[6];
        double[] some = {1, 2, 3, 4, 5, 6};

        assertThat(LowRankSvd.of(some, zero, 2, 3, 3).right()).isEmpty();
        assertThat(LowRankSvd.of(zero, some, 2, 3, 3).right()).isEmpty();
        assertThat(LowRankSvd.of(some, zero, 2, 3, 3).sigma()).containsExactly(0, 0);
    }

    @Test
    void factors_that_cancel_have_no_direction() {
        // Both rows of A are equal, both columns of B opposite.
        double[] a = {0.1, 0.7, -0.3, 0.1, 0.7, -0.3};
        double[] b = {0.3, -0.3, 0.9, -0.9};

        assertThat(LowRankSvd.of(a, b, 2, 3, 2).right()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
    void an_element_that_is_not_finite_is_refused(double bad) {
        assertThatThrownBy(() -> LowRankSvd.of(new double[] {1, bad}, new double[] {1}, 1, 2, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("A has an element");
        assertThatThrownBy(() -> LowRankSvd.of(new double[] {1, 1}, new double[] {bad}, 1, 2, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("B has an element");
    }

    private static double[] gaussian(Random random, int length) {
        return random.doubles(length, -1, 1).map(x -> x + random.nextGaussian()).toArray();
    }

    private static double[] map(double[] values, int exponent) {
        return Arrays.stream(values).map(x -> Math.scalb(x, exponent)).toArray();
    }

    /** A random orthogonal matrix, by Gram-Schmidt. */
    private static double[] rotation(Random random, int size) { // (size, size)
        double[] q = gaussian(random, size * size);
        for (int i = 0; i < size; i++) {
            for (int pass = 0; pass < 2; pass++) {
                for (int k = 0; k < i; k++) {
                    double dot = 0;
                    for (int j = 0; j < size; j++) {
                        dot += q[i * size + j] * q[k * size + j];
                    }
                    for (int j = 0; j < size; j++) {
                        q[i * size + j] -= dot * q[k * size + j];
                    }
                }
            }
            double norm = norm(Arrays.copyOfRange(q, i * size, (i + 1) * size));
            for (int j = 0; j < size; j++) {
                q[i * size + j] /= norm;
            }
        }
        return q;
    }

    private static double norm(double[] x) {
        return Math.sqrt(Arrays.stream(x).map(value -> value * value).sum());
    }

    private static double[] times(double[] m, double[] x, int rows, int columns) { // (rows, columns), (columns)
        double[] y = new double[rows];
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                y[i] += m[i * columns + j] * x[j];
            }
        }
        return y;
    }

    private static double[] timesTransposed(double[] m, double[] x, int rows, int columns) { // (rows, columns), (rows)
        double[] y = new double[columns];
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                y[j] += m[i * columns + j] * x[i];
            }
        }
        return y;
    }
}
