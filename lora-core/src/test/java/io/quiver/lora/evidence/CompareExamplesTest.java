package io.quiver.lora.evidence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.junit.jupiter.api.Test;

class CompareExamplesTest {
    private static final ProbePoint FIRST = new ProbePoint(0, InputPlace.ATTENTION_IN);
    private static final ProbePoint SECOND = new ProbePoint(5, InputPlace.ATTENTION_IN);

    /** Doubles the second feature; and nothing but a mean. */
    private static final CompareExamples COMPARE = new CompareExamples(
            "sha256:c",
            List.of(
                    new CompareExamples.Frame(
                            FIRST, new double[] {1, 1}, new Whitening.Full(2, new double[] {1, 0, 0, 2})),
                    new CompareExamples.Frame(
                            SECOND, new double[] {0, 0}, new Whitening.Full(2, new double[] {1, 0, 0, 1}))));

    private static SortedMap<ProbePoint, double[]> directions(double a, double b) {
        return COMPARE.directions(Map.of(FIRST, new double[] {a, b}, SECOND, new double[] {0, 3}));
    }

    @Test
    void directions_and_centroids_are_as_by_hand() {
        SortedMap<ProbePoint, double[]> found = directions(4, 3);

        // (3, 2) off the mean, whitened (3, 4), of length 5.
        assertThat(found.get(FIRST)).containsExactly(new double[] {0.6, 0.8}, within(1e-15));
        assertThat(found.get(SECOND)).containsExactly(0, 1);

        SortedMap<ProbePoint, double[]> mirrored = directions(-2, 3);
        ExampleCentroids centroids = COMPARE.centroids(List.of(found, mirrored, found, mirrored));
        assertThat(centroids.centroids().get(FIRST)).containsExactly(new double[] {0, 1}, within(1e-15));
        // Cosines 0.8 and 1.
        assertThat(COMPARE.similarity(centroids, found)).isCloseTo(0.9, within(1e-15));
    }

    @Test
    void a_prompt_at_the_mean_is_like_nothing() {
        assertThat(directions(1, 1).get(FIRST)).containsExactly(0, 0);
    }

    @Test
    void three_examples_are_too_few_and_four_are_enough() {
        SortedMap<ProbePoint, double[]> one = directions(4, 3);

        assertThatThrownBy(() -> COMPARE.centroids(List.of(one, one, one))).hasMessageContaining("too few");
        assertThat(COMPARE.centroids(List.of(one, one, one, one)).examples()).isEqualTo(4);
    }

    @Test
    void examples_of_another_calibration_are_never_compared() {
        SortedMap<ProbePoint, double[]> one = directions(4, 3);
        ExampleCentroids mine = COMPARE.centroids(List.of(one, one, one, one));
        ExampleCentroids other = new ExampleCentroids("sha256:d", 4, mine.centroids());

        assertThatThrownBy(() -> COMPARE.similarity(other, one)).hasMessageContaining("sha256:d");
    }

    @Test
    void inputs_that_are_missing_or_not_finite_are_refused() {
        assertThatThrownBy(() -> COMPARE.directions(Map.of(FIRST, new double[2])))
                .hasMessageContaining("layers.5.attention_in");
        assertThatThrownBy(() -> directions(Double.NaN, 1)).hasMessageContaining("not finite");
    }
}
