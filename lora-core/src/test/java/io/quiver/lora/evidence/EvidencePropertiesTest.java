package io.quiver.lora.evidence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What must hold whatever the numbers are. */
class EvidencePropertiesTest {
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void whitened_inputs_have_the_covariance_that_the_ridge_leaves(long seed) {
        RandomBase base = new RandomBase(seed);
        ProbePoint point = RandomBase.POINTS.get(3);
        int in = RandomBase.width(point);
        double[] x = ((TokenInputs.Exact) base.inputs.get(point).fit()).values();
        PointCalibration found = base.calibration().points().get(point);
        int tokens = x.length / in;
        double[] covariance = new double[in * in];
        double trace = 0;
        for (int i = 0; i < in; i++) {
            for (int j = 0; j < in; j++) {
                for (int t = 0; t < tokens; t++) {
                    covariance[i * in + j] += (x[t * in + i] - found.baseline().mean()[i])
                            * (x[t * in + j] - found.baseline().mean()[j])
                            / tokens;
                }
            }
            trace += covariance[i * in + i];
        }
        for (int i = 0; i < in; i++) {
            covariance[i * in + i] += 0.1 * trace / in;
        }
        double[] w = found.whitening().matrix();
        double[] identity = DenseProducts.times(DenseProducts.times(w, covariance, in, in, in), w, in, in, in);
        for (int i = 0; i < in * in; i++) {
            assertThat(identity[i]).isCloseTo(i % (in + 1) == 0 ? 1 : 0, within(1e-12));
            assertThat(w[i]).isEqualTo(w[i % in * in + i / in]);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void loudness_is_that_of_the_dense_updates(long seed) {
        BaseCalibration base = new RandomBase(seed).calibration();
        Map<ProbePoint, List<ModuleUpdate>> adapter = RandomBase.adapter(seed, 4, 0.7);

        for (PointEvidence found : RandomBase.measure(base, adapter).points()) {
            PointCalibration point = base.points().get(found.point());
            int in = found.in();
            double[] white = ((ExactInputs) point.statistics()).values();
            double[] fast = point.statistics().norms(found.matrix());
            for (int t = 0; t < fast.length; t++) {
                double[] x = Arrays.copyOfRange(white, t * in, (t + 1) * in);
                double[] whitened = DenseProducts.times(x, point.whitening().matrix(), 1, in, in);
                double square = 0;
                for (ModuleUpdate update : adapter.get(found.point())) {
                    square += square(dense(update), whitened);
                }
                assertThat(fast[t]).isCloseTo(Math.sqrt(square), within(1e-12 * (1 + fast[t])));
            }
        }
    }

    private static double[] dense(ModuleUpdate update) { // (out, in)
        double[] dense = DenseProducts.times(update.b(), update.a(), update.out(), update.rank(), update.in());
        return Arrays.stream(dense).map(value -> value * update.scaling()).toArray();
    }

    private static double square(double[] matrix, double[] x) { // (rows, n), (n)
        return Arrays.stream(DenseProducts.times(matrix, x, matrix.length / x.length, x.length, 1))
                .map(value -> value * value)
                .sum();
    }

    @ParameterizedTest
    @ValueSource(doubles = {1e-3, 0.5, 7, 1e4})
    void how_strong_an_adapter_is_as_a_whole_does_not_matter(double factor) {
        BaseCalibration base = new RandomBase(3).calibration();

        AdapterEvidence plain = RandomBase.measure(base, RandomBase.adapter(8, 3, 1));
        AdapterEvidence scaled = RandomBase.measure(base, RandomBase.adapter(8, 3, factor));

        assertThat(scaled.outside()).containsExactly(plain.outside(), within(1e-9));
        for (int i = 0; i < 3; i++) {
            assertThat(scaled.memories().get(i).spread())
                    .isCloseTo(plain.memories().get(i).spread(), within(1e-11));
            assertThat(scaled.points().get(i).mean() / plain.points().get(i).mean())
                    .isCloseTo(factor, within(1e-9 * factor));
        }
    }

    @Test
    void where_the_inputs_lie_does_not_matter() {
        Map<ProbePoint, List<ModuleUpdate>> adapter = RandomBase.adapter(2, 4, 1);

        AdapterEvidence here = RandomBase.measure(new RandomBase(6).calibration(), adapter);
        AdapterEvidence there = RandomBase.measure(new RandomBase(6, 1000).calibration(), adapter);

        assertThat(there.outside()).containsExactly(here.outside(), within(1e-7));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void scores_of_the_statistics_themselves_are_centred(long seed) {
        RandomBase made = new RandomBase(seed);
        BaseCalibration base = made.calibration();
        AdapterEvidence expert = RandomBase.measure(base, RandomBase.adapter(seed + 20, 4, 1));
        ChooseByEvidence choose = new ChooseByEvidence(base.baselines());
        int[] tokens = made.requests.contentTokens(made.requests.statistics());
        double scores = 0;
        double standOuts = 0;
        int from = 0;
        for (int count : tokens) {
            int first = from;
            Map<ProbePoint, double[]> norms = new TreeMap<>();
            base.points()
                    .forEach((point, calibration) ->
                            norms.put(point, Arrays.copyOfRange(calibration.statisticsNorms(), first, first + count)));
            double[][] loudness = expert.points().stream()
                    .map(point -> Arrays.copyOfRange(
                            base.points().get(point.point()).statistics().norms(point.matrix()), first, first + count))
                    .toArray(double[][]::new);
            EvidenceReading reading =
                    choose.read(new ChooseByEvidence.ExpertLoudness(expert.constants(), loudness), norms);
            scores += reading.score();
            standOuts += reading.standOut();
            from += count;
        }
        assertThat(scores / tokens.length).isCloseTo(0, within(1e-12));
        assertThat(standOuts / tokens.length).isCloseTo(0, within(1e-12));
    }

    @Test
    void a_threshold_never_falls_when_a_library_grows() {
        BaseCalibration base = new RandomBase(4).calibration();
        List<EvidenceConstants> experts = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            experts.add(RandomBase.measure(base, RandomBase.adapter(100 + i, 1 + i % 4, 1))
                    .constants());
        }
        Random random = new Random(5);
        for (int round = 0; round < 20; round++) {
            Collections.shuffle(experts, random);
            double before = Double.NEGATIVE_INFINITY;
            double beyondBefore = Double.NEGATIVE_INFINITY;
            for (int size = 1; size <= experts.size(); size++) {
                double threshold = LibraryThreshold.of(experts.subList(0, size));
                assertThat(threshold).isGreaterThanOrEqualTo(before);
                before = threshold;
                double beyond = LibraryThreshold.beyondGeneric(experts.subList(0, size));
                assertThat(beyond).isGreaterThanOrEqualTo(beyondBefore);
                beyondBefore = beyond;
            }
        }
    }

    @Test
    void single_precision_measures_the_same_within_its_rounding() {
        RandomBase made = new RandomBase(7);
        Map<ProbePoint, List<ModuleUpdate>> adapter = RandomBase.adapter(3, 4, 1);

        AdapterEvidence exact = RandomBase.measure(made.calibration(), adapter);
        AdapterEvidence single = RandomBase.measure(made.singleCalibration(), adapter);

        assertThat(single.outside()).containsExactly(exact.outside(), within(1e-4));
    }

    @Test
    void the_order_of_a_library_decides_nothing_but_ties() {
        BaseCalibration base = new RandomBase(9).calibration();
        ChooseByEvidence choose = new ChooseByEvidence(base.baselines());
        Random random = new Random(1);
        List<ChooseByEvidence.ExpertLoudness> library = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            AdapterEvidence expert = RandomBase.measure(base, RandomBase.adapter(40 + i, 4, 1));
            double[][] loudness = expert.points().stream()
                    .map(point -> random.doubles(5, 0, 2 * point.mean()).toArray())
                    .toArray(double[][]::new);
            library.add(new ChooseByEvidence.ExpertLoudness(expert.constants(), loudness));
        }
        Map<ProbePoint, double[]> norms = new TreeMap<>();
        RandomBase.POINTS.forEach(
                point -> norms.put(point, random.doubles(5, 0, 5).toArray()));
        EvidenceDecision first = choose.choose(library, norms, ExampleComparison.NONE, OptionalDouble.empty());
        ChooseByEvidence.ExpertLoudness best = library.get(first.best());

        Collections.reverse(library);
        EvidenceDecision second = choose.choose(library, norms, ExampleComparison.NONE, OptionalDouble.empty());

        assertThat(library.get(second.best())).isSameAs(best);
        assertThat(second.threshold()).isEqualTo(first.threshold());
        ExampleComparison examples =
                new ExampleComparison(random.doubles(6, -1, 1).toArray(), new double[6]);
        examples.coefficients()[second.ranking()[5]] = 1;
        double lead = second.scores()[second.best()] - second.scores()[second.ranking()[5]];
        assertThat(choose.choose(library, norms, examples, OptionalDouble.empty())
                        .scores()[second.ranking()[5]])
                .isCloseTo(second.scores()[second.best()] - lead + 10, within(1e-12));
        library.add(library.get(0));
        assertThat(choose.choose(library, norms, ExampleComparison.NONE, OptionalDouble.empty())
                        .ranking())
                .containsSubsequence(0, 6);
    }

    @Test
    void experts_of_different_calibrations_are_never_compared() {
        AdapterEvidence expert = RandomBase.measure(new RandomBase(1).calibration(), RandomBase.adapter(1, 2, 1));
        AdapterEvidence other =
                new AdapterEvidence("sha256:another", expert.points(), expert.memories(), expert.outside());

        List<EvidenceConstants> two = List.of(expert.constants(), other.constants());
        assertThatThrownBy(() -> LibraryThreshold.of(two)).hasMessageContaining("sha256:another");
        assertThatThrownBy(() -> LibraryThreshold.beyondGeneric(two)).hasMessageContaining("sha256:another");
    }
}
