package io.quiver.lora.evidence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whitening of low rank against the exact one. */
class LowRankWhiteningTest {
    private static final ProbePoint NARROW = RandomBase.POINTS.get(0);
    private static final ProbePoint WIDE = RandomBase.POINTS.get(3);

    @Test
    void the_largest_directions_are_as_by_hand() {
        double[][] rows = {{3, 0, 0}, {-3, 0, 0}, {0, 1, 0}, {0, -1, 0}};

        LargestDirections found = LargestDirections.of(rows, 2, 1);

        assertThat(found.variances()).containsExactly(new double[] {4.5, 0.5}, within(1e-14));
        assertThat(Math.abs(found.vectors()[0][0])).isCloseTo(1, within(1e-14));
        assertThat(Math.abs(found.vectors()[1][1])).isCloseTo(1, within(1e-14));
        assertThat(LargestDirections.of(rows, 3, 1).variances()).hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void the_largest_directions_are_the_first_eigenvectors(long seed) {
        int n = 200;
        int in = 90;
        double[][] rows = decaying(n, in, seed);
        double[] flat = new double[n * in];
        double[] weights = new double[n];
        for (int t = 0; t < n; t++) {
            System.arraycopy(rows[t], 0, flat, t * in, in);
            weights[t] = 1.0 / n;
        }
        double[] covariance = DenseProducts.weightedGram(flat, weights, n, in);
        double[] exact = Arrays.stream(SymmetricEigen.of(covariance, in).values())
                .map(value -> -value)
                .sorted()
                .map(value -> -value)
                .toArray();

        LargestDirections found = LargestDirections.of(rows, 10, seed);

        for (int k = 0; k < 10; k++) {
            assertThat(found.variances()[k]).isCloseTo(exact[k], within(1e-9 * exact[0]));
            double[] v = found.vectors()[k];
            double[] turned = DenseProducts.times(v, covariance, 1, in, in);
            for (int i = 0; i < in; i++) {
                assertThat(turned[i]).isCloseTo(exact[k] * v[i], within(1e-5 * exact[0]));
            }
        }
    }

    private static double[][] decaying(int n, int in, long seed) { // (n, in)
        Random random = new Random(seed);
        double[][] rows = new double[n][in];
        for (double[] row : rows) { // (in)
            for (int i = 0; i < in; i++) {
                row[i] = random.nextGaussian() * Math.pow(0.85, i);
            }
        }
        return rows;
    }

    @Test
    void with_all_directions_it_is_the_exact_one() {
        RandomBase base = new RandomBase(4);
        PointCalibration exact = new FitCalibration(4).fit(WIDE, base.inputs.get(WIDE), base.requests);
        PointCalibration low = new FitCalibration(0.1, 4, 0, 13).fit(WIDE, base.inputs.get(WIDE), base.requests);

        assertThat(low.whitening()).isInstanceOf(Whitening.LowRank.class);
        assertThat(low.whitening().matrix()).containsExactly(exact.whitening().matrix(), within(1e-9));
        assertThat(low.baseline().directions()).containsExactly(exact.baseline().directions(), within(1e-8));
    }

    @Test
    void what_is_not_followed_has_the_mean_of_the_rest() {
        RandomBase base = new RandomBase(4);
        Whitening exact = new FitCalibration(4)
                .fit(WIDE, base.inputs.get(WIDE), base.requests)
                .whitening();
        Whitening.LowRank low = (Whitening.LowRank) new FitCalibration(0.1, 4, 0, 5)
                .fit(WIDE, base.inputs.get(WIDE), base.requests)
                .whitening();

        SymmetricEigen eigen = SymmetricEigen.of(exact.matrix(), 13);
        double[] gains = Arrays.stream(eigen.values()).sorted().toArray();
        assertThat(low.gains()).hasSize(5);
        double rest = 0;
        for (int k = 0; k < 13; k++) {
            if (k < 5) {
                assertThat(low.gains()[k]).isCloseTo(gains[k], within(1e-6));
            } else {
                rest += 1 / (gains[k] * gains[k]) / 8;
            }
        }
        assertThat(low.floor()).isCloseTo(1 / Math.sqrt(rest), within(1e-6));
        double[] first = Arrays.copyOf(low.vectors(), 13);
        double[] turned = low.times(first);
        for (int i = 0; i < 13; i++) {
            assertThat(turned[i]).isCloseTo(low.gains()[0] * first[i], within(1e-12));
        }
    }

    @Test
    void points_as_wide_as_the_limit_are_whitened_exactly_and_wider_ones_are_not() {
        RandomBase base = new RandomBase(2);

        assertThat(new FitCalibration(0.1, 1, 8, 3)
                        .fit(NARROW, base.inputs.get(NARROW), base.requests)
                        .whitening())
                .isInstanceOf(Whitening.Full.class);
        assertThat(new FitCalibration(0.1, 1, 7, 3)
                        .fit(NARROW, base.inputs.get(NARROW), base.requests)
                        .whitening())
                .isInstanceOf(Whitening.LowRank.class);
    }

    @Test
    void the_same_inputs_and_seed_give_the_same_bits() {
        RandomBase base = new RandomBase(2);
        FitCalibration fit = new FitCalibration(0.1, 1, 0, 3);

        PointCalibration first = fit.fit(WIDE, base.inputs.get(WIDE), base.requests);
        PointCalibration second = fit.fit(WIDE, base.inputs.get(WIDE), base.requests);

        assertThat(second.whitening()).usingRecursiveComparison().isEqualTo(first.whitening());
        assertThat(second.baseline()).usingRecursiveComparison().isEqualTo(first.baseline());
    }

    @Test
    void gains_that_cannot_be_are_refused() {
        double[] vectors = {1, 0};
        assertThatThrownBy(() -> new Whitening.LowRank(2, 0, new double[] {1}, vectors))
                .hasMessageContaining("above 0");
        assertThatThrownBy(() -> new Whitening.LowRank(2, 1, new double[] {-1}, vectors))
                .hasMessageContaining("above 0");
        assertThatThrownBy(() -> new Whitening.LowRank(2, 1, new double[] {1, 1}, vectors))
                .hasMessageContaining("2 vectors of 2 features");
        assertThatThrownBy(() -> new Whitening.Full(2, vectors)).hasMessageContaining("no matrix");
    }
}
