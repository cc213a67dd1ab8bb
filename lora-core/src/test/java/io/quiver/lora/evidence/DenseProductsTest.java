package io.quiver.lora.evidence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Fast products against plain ones. */
class DenseProductsTest {
    @ParameterizedTest
    @CsvSource({"1,1,1", "3,2,5", "8,8,8", "25,65,9", "24,64,130", "49,71,3"})
    void a_product_is_what_plain_loops_give(int rows, int inner, int columns) {
        double[] a = random(rows * inner, 1);
        double[] b = random(inner * columns, 2);

        double[] product = DenseProducts.times(a, b, rows, inner, columns);

        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                double sum = 0;
                for (int k = 0; k < inner; k++) {
                    sum += a[i * inner + k] * b[k * columns + j];
                }
                assertThat(product[i * columns + j]).isCloseTo(sum, within(1e-12));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1,1", "5,3", "64,24", "129,50"})
    void a_weighted_gram_matrix_is_what_plain_loops_give_and_symmetric(int count, int n) {
        double[] y = random(count * n, 3);
        double[] weights = random(count, 4);

        double[] gram = DenseProducts.weightedGram(y, weights, count, n);

        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                double sum = 0;
                for (int t = 0; t < count; t++) {
                    sum += weights[t] * y[t * n + i] * y[t * n + j];
                }
                assertThat(gram[i * n + j]).isCloseTo(sum, within(1e-11)).isEqualTo(gram[j * n + i]);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1,4", "256,16", "257,7", "600,33", "3,8"})
    void norms_in_single_precision_are_those_in_double(int tokens, int in) {
        double[] values = random(tokens * in, 5);
        float[] singles = new float[values.length];
        for (int i = 0; i < singles.length; i++) {
            singles[i] = (float) values[i];
        }
        for (int rows : new int[] {1, 2, 3, 4, 5, 8, 24}) {
            double[] matrix = random(rows * in, 6 + rows);

            double[] exact = new ExactInputs(in, values).norms(matrix);
            double[] fast = new SampledInputs(in, singles).norms(matrix);

            assertThat(fast).hasSize(tokens);
            for (int t = 0; t < tokens; t++) {
                assertThat(fast[t]).isCloseTo(exact[t], within(1e-5 * (1 + exact[t])));
            }
        }
    }

    @Test
    void the_triangular_factor_keeps_lengths_also_of_flat_and_empty_matrices() {
        for (int[] shape : new int[][] {{9, 4}, {3, 5}, {1, 1}, {4, 4}}) {
            double[] b = random(shape[0] * shape[1], 7);
            keepsLengths(b, shape[0], shape[1]);
            keepsLengths(new double[b.length], shape[0], shape[1]);
        }
        // Two equal columns: of rank 1.
        keepsLengths(new double[] {1, 1, 2, 2, 3, 3}, 3, 2);
    }

    private static void keepsLengths(double[] b, int out, int rank) { // (out, rank)
        double[] r = TriangularFactor.of(b, out, rank);
        assertThat(r).hasSize(Math.min(out, rank) * rank);
        double[] v = random(rank, 8);
        assertThat(length(r, v)).isCloseTo(length(b, v), within(1e-13));
    }

    private static double length(double[] matrix, double[] v) { // (rows, n), (n)
        double square = 0;
        for (int row = 0; row < matrix.length; row += v.length) {
            double sum = 0;
            for (int i = 0; i < v.length; i++) {
                sum += matrix[row + i] * v[i];
            }
            square += sum * sum;
        }
        return Math.sqrt(square);
    }

    private static double[] random(int length, long seed) { // (length)
        return new Random(seed).doubles(length, -1, 1).toArray();
    }
}
