package io.quiver.lora.evidence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RegressOnExamplesTest {
    private static final ProbePoint FIRST = new ProbePoint(0, InputPlace.ATTENTION_IN);
    private static final ProbePoint SECOND = new ProbePoint(5, InputPlace.ATTENTION_IN);

    private static CompareExamples compare(int in) {
        double[] identity = new double[in * in];
        IntStream.range(0, in).forEach(i -> identity[i * in + i] = 1);
        return new CompareExamples(
                "sha256:c",
                List.of(
                        new CompareExamples.Frame(FIRST, new double[in], new Whitening.Full(in, identity)),
                        new CompareExamples.Frame(SECOND, new double[in], new Whitening.Full(in, identity))));
    }

    private static ExampleCentroids centroids(double[] first, double[] second) { // (in), (in)
        return new ExampleCentroids("sha256:c", 4, new TreeMap<>(Map.of(FIRST, first, SECOND, second)));
    }

    private static SortedMap<ProbePoint, double[]> directions(double[] first, double[] second) { // (in), (in)
        return new TreeMap<>(Map.of(FIRST, first, SECOND, second));
    }

    private static RegressOnExamples regress(List<double[]> first, List<double[]> second) { // (experts) of (in) both
        return new RegressOnExamples(
                compare(first.get(0).length),
                IntStream.range(0, first.size())
                        .mapToObj(e -> centroids(first.get(e), second.get(e)))
                        .toList());
    }

    private static double[] unit(double[] x) { // (in)
        double length = Math.sqrt(CompareExamples.dot(x, x));
        return Arrays.stream(x).map(component -> component / length).toArray();
    }

    private static double[] random(Random random, int in) {
        return unit(random.doubles(in, -1, 1).toArray());
    }

    private static double[] sum(double[] x, double factor, double[] y) { // (in), (in)
        return IntStream.range(0, x.length)
                .mapToDouble(i -> x[i] + factor * y[i])
                .toArray();
    }

    private static int best(double[] values) { // (experts)
        return IntStream.range(0, values.length)
                .reduce((a, b) -> values[b] > values[a] ? b : a)
                .orElseThrow();
    }

    @Test
    void coefficients_are_as_by_hand() {
        // Cosine 0.6 at the first point: ((1.03, 0.6), (0.6, 1.03)) with determinant 0.7009. At the second they have
        // nothing in common.
        RegressOnExamples regress = regress(
                List.of(new double[] {1, 0}, new double[] {0.6, 0.8}),
                List.of(new double[] {1, 0}, new double[] {0, 1}));

        ExampleComparison compared = regress.compare(directions(new double[] {0, 1}, new double[] {0, 1}));

        assertThat(compared.similarities()).containsExactly(new double[] {0, 0.9}, within(1e-15));
        assertThat(compared.coefficients())
                .containsExactly(
                        new double[] {-0.6 * 0.8 / 0.7009 / 2, (1.03 * 0.8 / 0.7009 + 1 / 1.03) / 2}, within(1e-14));
    }

    @Test
    void experts_that_have_nothing_in_common_are_ordered_as_by_similarity() {
        Random random = new Random(1);
        for (int run = 0; run < 50; run++) {
            List<double[]> axes = new ArrayList<>();
            for (int e = 0; e < 7; e++) {
                double[] axis = random(random, 12);
                for (double[] earlier : axes) {
                    axis = sum(axis, -CompareExamples.dot(axis, earlier), earlier);
                }
                axes.add(unit(axis));
            }

            ExampleComparison compared =
                    regress(axes, axes).compare(directions(random(random, 12), random(random, 12)));

            for (int e = 0; e < 7; e++) {
                assertThat(compared.coefficients()[e]).isCloseTo(compared.similarities()[e] / 1.03, within(1e-12));
            }
        }
    }

    @Test
    void what_all_experts_and_the_request_share_does_not_change_the_choice() {
        Random random = new Random(2);
        for (int run = 0; run < 50; run++) {
            double[] shared = random(random, 64);
            List<double[]> own =
                    IntStream.range(0, 6).mapToObj(e -> random(random, 64)).toList();
            int meant = random.nextInt(6);
            double[] other = random(random, 64);
            for (double loud : new double[] {0, 1, 4}) {
                List<double[]> centroids =
                        own.stream().map(one -> unit(sum(one, loud, shared))).toList();
                double[] request = unit(sum(sum(own.get(meant), 0.7, other), loud, shared));

                double[] coefficients = regress(centroids, centroids)
                        .compare(directions(request, request))
                        .coefficients();

                assertThat(best(coefficients)).isEqualTo(meant);
                int runnerUp = best(IntStream.range(0, 6)
                        .mapToDouble(e -> e == meant ? Double.NEGATIVE_INFINITY : coefficients[e])
                        .toArray());
                assertThat(coefficients[meant] - coefficients[runnerUp]).isGreaterThan(0.15);
            }
        }
    }

    @Test
    void twins_differ_by_more_than_their_similarities() {
        Random random = new Random(3);
        for (int run = 0; run < 50; run++) {
            double[] shared = random(random, 32);
            double[] one = unit(sum(shared, 0.3, random(random, 32)));
            double[] two = unit(sum(shared, 0.3, random(random, 32)));
            double[] request = unit(sum(one, 0.2, random(random, 32)));

            ExampleComparison compared =
                    regress(List.of(one, two), List.of(one, two)).compare(directions(request, request));

            double plain = compared.similarities()[0] - compared.similarities()[1];
            double sharper = compared.coefficients()[0] - compared.coefficients()[1];
            // (a − b)/(1 − cos + λ): of two experts the order is that of the similarities.
            double cosine = CompareExamples.dot(one, two);
            assertThat(sharper).isCloseTo(plain / (1 - cosine + 0.03), within(1e-12));
            assertThat(Math.abs(sharper)).isGreaterThan(3 * Math.abs(plain));
        }
    }

    @Test
    void the_factored_solution_is_that_of_elimination_even_with_more_experts_than_features() {
        Random random = new Random(4);
        for (int experts : new int[] {1, 2, 5, 16, 40}) {
            int in = 20;
            List<double[]> first = new ArrayList<>();
            List<double[]> second = new ArrayList<>();
            double[] shared = random(random, in);
            for (int e = 0; e < experts; e++) {
                first.add(unit(sum(random(random, in), 2, shared)));
                second.add(random(random, in));
            }
            SortedMap<ProbePoint, double[]> request = directions(random(random, in), random(random, in));

            double[] found = regress(first, second).compare(request).coefficients();

            double[] one = eliminated(first, request.get(FIRST));
            double[] two = eliminated(second, request.get(SECOND));
            for (int e = 0; e < experts; e++) {
                assertThat(found[e]).isCloseTo((one[e] + two[e]) / 2, within(1e-9));
            }
        }
    }

    /** Gauss and Jordan, each pivot the largest of its column. */
    private static double[] eliminated(List<double[]> c, double[] d) { // (experts) of (in), (in)
        int n = c.size();
        double[][] rows = new double[n][n + 1];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                rows[i][j] = CompareExamples.dot(c.get(i), c.get(j)) + (i == j ? 0.03 : 0);
            }
            rows[i][n] = CompareExamples.dot(c.get(i), d);
        }
        for (int k = 0; k < n; k++) {
            int column = k;
            int pivot = IntStream.range(k, n)
                    .reduce((a, b) -> Math.abs(rows[b][column]) > Math.abs(rows[a][column]) ? b : a)
                    .orElseThrow();
            double[] row = rows[pivot];
            rows[pivot] = rows[k];
            rows[k] = row;
            for (int i = 0; i < n; i++) {
                double factor = i == k ? 0 : rows[i][k] / row[k];
                for (int j = k; j <= n; j++) {
                    rows[i][j] -= factor * row[j];
                }
            }
        }
        return IntStream.range(0, n).mapToDouble(i -> rows[i][n] / rows[i][i]).toArray();
    }

    @Test
    void experts_with_the_same_examples_share_what_one_of_them_would_have() {
        double[] same = {0.6, 0.8};
        ExampleComparison compared = regress(Collections.nCopies(3, same), Collections.nCopies(3, same))
                .compare(directions(same, same));

        assertThat(compared.coefficients()).containsExactly(new double[] {1 / 3.03, 1 / 3.03, 1 / 3.03}, within(1e-12));
    }

    @Test
    void no_examples_and_examples_of_another_calibration_are_refused() {
        CompareExamples compare = compare(2);
        ExampleCentroids mine = centroids(new double[] {1, 0}, new double[] {1, 0});
        ExampleCentroids other = new ExampleCentroids("sha256:d", 4, mine.centroids());
        ExampleCentroids elsewhere =
                new ExampleCentroids("sha256:c", 4, new TreeMap<>(Map.of(FIRST, new double[] {1, 0})));

        assertThatThrownBy(() -> new RegressOnExamples(compare, List.of())).hasMessageContaining("at least one");
        assertThatThrownBy(() -> new RegressOnExamples(compare, List.of(mine, other)))
                .hasMessageContaining("sha256:d");
        assertThatThrownBy(() -> new RegressOnExamples(compare, List.of(mine, elsewhere)))
                .hasMessageContaining("layers.5.attention_in");
        assertThatThrownBy(() -> new RegressOnExamples(compare, List.of(mine))
                        .compare(new TreeMap<>(Map.of(FIRST, new double[] {1, 0}))))
                .hasMessageContaining("there are directions at");
    }
}
