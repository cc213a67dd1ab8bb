package io.quiver.lora.evidence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SymmetricEigenTest {
    @Test
    void a_matrix_of_two_by_two_as_worked_by_hand() {
        SymmetricEigen eigen = SymmetricEigen.of(new double[] {2, 1, 1, 2}, 2);

        int large = eigen.values()[0] > eigen.values()[1] ? 0 : 1;
        assertThat(eigen.values()[large]).isCloseTo(3, within(1e-15));
        assertThat(eigen.values()[1 - large]).isCloseTo(1, within(1e-15));
        assertThat(Math.abs(eigen.vectors()[2 * large] + eigen.vectors()[2 * large + 1]))
                .isCloseTo(Math.sqrt(2), within(1e-15));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 7, 63, 64, 65, 130})
    void vectors_are_orthonormal_and_give_the_matrix_back(int n) {
        for (long seed = 1; seed <= 5; seed++) {
            holds(random(n, seed), n);
        }
    }

    @Test
    void matrices_with_equal_or_vanishing_eigenvalues_are_decomposed_too() {
        int n = 70;
        holds(new double[n * n], n);
        double[] identity = new double[n * n];
        double[] ones = new double[n * n];
        double[] graded = new double[n * n];
        for (int i = 0; i < n; i++) {
            identity[i * n + i] = 1;
            graded[i * n + i] = Math.pow(10, i % 20 - 10);
        }
        Arrays.fill(ones, 1);
        holds(identity, n);
        holds(ones, n);
        holds(graded, n);
        double[] blocks = random(n, 3);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                blocks[i * n + j] = i / 7 == j / 7 ? blocks[i * n + j] : 0;
            }
        }
        holds(blocks, n);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 10, 60, 250})
    void a_covariance_of_fewer_samples_than_dimensions_is_decomposed_too(int samples) {
        int n = 300;
        for (long seed = 1; seed <= 3; seed++) {
            Random random = new Random(seed);
            double[] covariance = new double[n * n];
            for (int s = 0; s < samples; s++) {
                double[] sample = new double[n];
                for (int i = 0; i < n; i++) {
                    sample[i] = (float) (random.nextGaussian() * Math.exp(-0.02 * i));
                }
                for (int i = 0; i < n * n; i++) {
                    covariance[i] += sample[i / n] * sample[i % n] / samples;
                }
            }
            holds(covariance, n);
        }
    }

    @Test
    void sizes_near_the_ends_of_what_a_double_holds_do_not_matter() {
        for (double scale : new double[] {1e-150, 1e150}) {
            double[] matrix = random(20, 1);
            for (int i = 0; i < matrix.length; i++) {
                matrix[i] *= scale;
            }
            holds(matrix, 20);
        }
    }

    @Test
    void the_same_matrix_gives_the_same_bits() {
        double[] matrix = random(150, 9);

        SymmetricEigen first = SymmetricEigen.of(matrix, 150);
        SymmetricEigen second = SymmetricEigen.of(matrix, 150);

        assertThat(second.vectors()).isEqualTo(first.vectors());
        assertThat(second.values()).isEqualTo(first.values());
    }

    private static void holds(double[] matrix, int n) { // (n, n)
        double[] before = matrix.clone();
        SymmetricEigen eigen = SymmetricEigen.of(matrix, n);
        assertThat(matrix).isEqualTo(before);
        double largest = Arrays.stream(matrix).map(Math::abs).max().orElseThrow();
        double[] back = DenseProducts.weightedGram(eigen.vectors(), eigen.values(), n, n);
        double[] identity = DenseProducts.weightedGram(eigen.vectors(), ones(n), n, n);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                assertThat(back[i * n + j]).isCloseTo(matrix[i * n + j], within(1e-13 * n * largest));
                assertThat(identity[i * n + j]).isCloseTo(i == j ? 1 : 0, within(1e-13 * n));
            }
        }
    }

    private static double[] ones(int n) { // (n)
        double[] ones = new double[n];
        Arrays.fill(ones, 1);
        return ones;
    }

    private static double[] random(int n, long seed) { // (n, n)
        Random random = new Random(seed);
        double[] matrix = new double[n * n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j <= i; j++) {
                matrix[i * n + j] = random.nextGaussian() * (1 + (i + j) % 5 * 10);
                matrix[j * n + i] = matrix[i * n + j];
            }
        }
        return matrix;
    }
}
