package io.quiver.lora.evidence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** A point of two features, small enough for paper. */
class HandWorkedEvidenceTest {
    private static final ProbePoint POINT = new ProbePoint(0, InputPlace.ATTENTION_IN);
    private static final String DIGEST = "sha256:calibration";

    /** One token of prefix; fit: one request of four tokens; statistics: three of one token; threshold: two of one. */
    private static final GenericRequests REQUESTS = new GenericRequests(
            1,
            List.of(new int[] {7, 1, 2, 3, 4}),
            List.of(new int[] {7, 1}, new int[] {7, 2}, new int[] {7, 3}),
            List.of(new int[] {7, 1}, new int[] {7, 2}));

    /** Around (1, 2): variances 4.5 and 0.5, so 0.1·tr(C)/2 = 0.25. */
    private static final double[] FIT = {4, 2, -2, 2, 1, 3, 1, 1};

    /** The first direction reads the first feature only, the others nothing. */
    private static final double[] DIRECTIONS = {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

    private static PointCalibration calibration() {
        TokenInputs.Sets inputs = new TokenInputs.Sets(
                TokenInputs.of(2, FIT),
                TokenInputs.of(2, new double[] {2, 2, 3, 3, 4, 6}),
                TokenInputs.of(2, new double[] {1, 2, 6, 2}));
        return new FitCalibration(0.1, 1).fit(POINT, inputs, REQUESTS, DIRECTIONS);
    }

    /** ΔW = 0.5·(3, 4)ᵀ·(0, 2) = (0, 3; 0, 4): five times the second feature. */
    private static ModuleUpdate update(double scaling) {
        return new ModuleUpdate("q", 1, scaling, new double[] {0, 2}, new double[] {3, 4});
    }

    private static AdapterEvidence evidence(double scaling) {
        BaseCalibration base = BaseCalibration.of("evidence-v1", "sha256:base", REQUESTS, List.of(calibration()));
        AdapterCalibration found =
                new CalibrateAdapter(base, DIGEST, List.of(1.0)).calibrate(Map.of(POINT, List.of(update(scaling))));
        assertThat(found).isInstanceOf(AdapterCalibration.Calibrated.class);
        return ((AdapterCalibration.Calibrated) found).evidence();
    }

    @Test
    void the_base_is_fitted_as_by_hand() {
        PointCalibration found = calibration();

        assertThat(found.baseline().mean()).containsExactly(1, 2);
        double[] whitening = {1 / Math.sqrt(4.75), 0, 0, 1 / Math.sqrt(0.75)};
        for (int i = 0; i < 4; i++) {
            assertThat(found.whitening().matrix()[i]).isCloseTo(whitening[i], within(1e-15));
        }
        // The first features of the statistics are 1, 2 and 3 off the mean.
        assertThat(found.statisticsNorms()).containsExactly(1, 2, 3);
        assertThat(found.baseline().normMean()).isEqualTo(2);
        assertThat(found.baseline().normDeviation()).isEqualTo(1);
        assertThat(found.thresholdNorms()).containsExactly(0, 5);
        assertThat(found.lastMean()).containsExactly(1, 1);
    }

    @Test
    void an_adapter_is_measured_as_by_hand() {
        AdapterEvidence found = evidence(0.5);

        // P = 5·(0, 1)·W; the second features of the statistics are 0, 1 and 4 off the mean: mean 5/3, variance 13/3.
        double unit = 5 / Math.sqrt(0.75);
        PointEvidence point = found.points().get(0);
        assertThat(point.rank()).isEqualTo(1);
        assertThat(point.matrix()[0]).isCloseTo(0, within(1e-15));
        assertThat(Math.abs(point.matrix()[1])).isCloseTo(unit, within(1e-14));
        assertThat(point.mean()).isCloseTo(unit * 5 / 3, within(1e-14));
        assertThat(point.deviation()).isCloseTo(unit * Math.sqrt(13.0 / 3), within(1e-14));

        // One token a request: R is z itself, N is −1, 0, 1. The line through z = (0, 1, 4 less 5/3)/σ has the slope
        // 2/σ.
        double sigma = Math.sqrt(13.0 / 3);
        MemoryConstants memory = found.memories().get(0);
        assertThat(memory.centre()).isCloseTo(0, within(1e-15));
        assertThat(memory.spread()).isCloseTo(1, within(1e-15));
        assertThat(memory.slope()).isCloseTo(2 / sigma, within(1e-15));
        assertThat(memory.intercept()).isCloseTo(0, within(1e-15));
        // Residuals 1/3, −2/3, 1/3 over σ: variance (6/9)/2 = 1/3.
        assertThat(memory.residual()).isCloseTo(Math.sqrt(1.0 / 3) / sigma, within(1e-15));

        // Threshold requests: loudness 0, N −2 and 3: (−5/3 − 2·N)/√(1/3).
        assertThat(found.outside()[0]).isCloseTo((-5.0 / 3 + 4) * Math.sqrt(3), within(1e-13));
        assertThat(found.outside()[1]).isCloseTo((-5.0 / 3 - 6) * Math.sqrt(3), within(1e-13));
    }

    @Test
    void a_request_is_decided_as_by_hand() {
        AdapterEvidence quiet = evidence(0.5);
        AdapterEvidence loud = evidence(50);
        double unit = 5 / Math.sqrt(0.75);
        ChooseByEvidence choose = new ChooseByEvidence(List.of(calibration().baseline()));

        // Second features 1 and 7 off the mean, first 2 and 2: mean evidence (4 − 5/3)/σ, N 0.
        EvidenceDecision decision = choose.choose(
                List.of(
                        new ChooseByEvidence.ExpertLoudness(quiet.constants(), new double[][] {{unit, 7 * unit}}),
                        new ChooseByEvidence.ExpertLoudness(
                                loud.constants(), new double[][] {{100 * unit, 100 * unit}})),
                Map.of(POINT, new double[] {2, 2}),
                ExampleComparison.NONE,
                OptionalDouble.empty());

        double sigma = Math.sqrt(13.0 / 3);
        EvidenceReading reading = decision.readings().get(0);
        assertThat(reading.evidence()[0]).isCloseTo((1 - 5.0 / 3) / sigma, within(1e-14));
        assertThat(reading.evidence()[1]).isCloseTo((7 - 5.0 / 3) / sigma, within(1e-14));
        assertThat(reading.score()).isCloseTo((4 - 5.0 / 3) / sigma, within(1e-14));
        assertThat(reading.standOut()).isCloseTo((4 - 5.0 / 3) * Math.sqrt(3), within(1e-13));
        // The loud one says the same a hundred times as loud, of another prompt.
        assertThat(decision.readings().get(1).score()).isCloseTo((1 - 5.0 / 3) / sigma, within(1e-13));
        assertThat(decision.ranking()).containsExactly(0, 1);
        assertThat(decision.runnerUp()).hasValue(1);
        // Largest stand-outs outside are 7/3·√3 and −23/3·√3; their 95 % quantile lies at 0.95 of the way.
        double least = (-23.0 / 3 + 0.95 * 10) * Math.sqrt(3);
        assertThat(decision.threshold()).isCloseTo(least, within(1e-12));
        assertThat(decision.chosen()).hasValue(0);
    }

    @Test
    void below_the_threshold_the_base_answers_unless_the_threshold_is_given() {
        ChooseByEvidence choose = new ChooseByEvidence(List.of(calibration().baseline()));
        List<ChooseByEvidence.ExpertLoudness> library =
                List.of(new ChooseByEvidence.ExpertLoudness(evidence(0.5).constants(), new double[][] {{0}}));
        Map<ProbePoint, double[]> norms = Map.of(POINT, new double[] {2});

        EvidenceDecision none = choose.choose(library, norms, ExampleComparison.NONE, OptionalDouble.empty());
        EvidenceDecision any =
                choose.choose(library, norms, ExampleComparison.NONE, OptionalDouble.of(Double.NEGATIVE_INFINITY));
        double standOut = none.readings().get(0).standOut();

        assertThat(none.chosen()).isEmpty();
        assertThat(none.best()).isZero();
        assertThat(none.runnerUp()).isEmpty();
        assertThat(any.chosen()).hasValue(0);
        assertThat(choose.choose(library, norms, ExampleComparison.NONE, OptionalDouble.of(standOut))
                        .chosen())
                .hasValue(0);
        assertThat(choose.choose(library, norms, ExampleComparison.NONE, OptionalDouble.of(Math.nextUp(standOut)))
                        .chosen())
                .isEmpty();
    }

    @Test
    void memories_are_as_by_hand() {
        double[] values = {1, 2, 4};

        assertThat(Memory.of(0, values)).isEqualTo(4);
        assertThat(Memory.of(1, values)).isCloseTo(7.0 / 3, within(1e-15));
        assertThat(Memory.of(0.8, values)).isCloseTo((0.64 + 1.6 + 4) / (0.64 + 0.8 + 1), within(1e-15));
        assertThat(Memory.ofEach(0, values, new int[] {1, 2})).containsExactly(1, 4);
    }

    @Test
    void a_quantile_lies_between_the_two_nearest() {
        assertThat(LibraryThreshold.quantile(new double[] {3, 1, 2}, 0.95)).isCloseTo(2.9, within(1e-15));
        assertThat(LibraryThreshold.quantile(new double[] {5}, 0.95)).isEqualTo(5);
        assertThat(LibraryThreshold.quantile(new double[] {0, 10}, 0)).isZero();
    }

    @Test
    void beyond_generic_is_three_and_a_half_above_the_median_of_the_largest_whatever_the_largest_of_all_is() {
        EvidenceConstants expert = evidence(0.5).constants();
        List<EvidenceConstants> two = List.of(outside(expert, 0, 1, -2, 40, 0.5), outside(expert, 0.25, -1, 3, 2, 0));

        // The largest are 0.25, 1, 3, 40 and 0.5.
        assertThat(LibraryThreshold.beyondGeneric(two)).isEqualTo(4.5);
        assertThat(LibraryThreshold.beyondGeneric(two.subList(1, 2))).isEqualTo(3.75);
        assertThat(LibraryThreshold.of(two)).isCloseTo(3 + 0.8 * 37, within(1e-12));
    }

    @Test
    void examples_sharpen_the_fit_by_ten_times_what_the_request_resembles_them_more_than_foreign_ones_do() {
        ChooseByEvidence choose = new ChooseByEvidence(List.of(calibration().baseline()));
        List<ChooseByEvidence.ExpertLoudness> library =
                List.of(new ChooseByEvidence.ExpertLoudness(evidence(0.5).constants(), new double[][] {{0}}));
        Map<ProbePoint, double[]> norms = Map.of(POINT, new double[] {2});
        double standOut = choose.choose(library, norms, ExampleComparison.NONE, OptionalDouble.of(0))
                .fit(0);

        for (double similarity : new double[] {0.25, 0.45, 0.65}) {
            double fit = standOut + 10 * (similarity - 0.45);
            // The coefficient chooses, and has no say in who fits.
            ExampleComparison similarities = new ExampleComparison(new double[] {similarity}, new double[] {-3});
            EvidenceDecision below = choose.choose(library, norms, similarities, OptionalDouble.of(fit - 1e-9));
            EvidenceDecision above = choose.choose(library, norms, similarities, OptionalDouble.of(fit + 1e-9));
            assertThat(below.readings().get(0).standOut()).isEqualTo(standOut);
            assertThat(below.fit(0)).isCloseTo(fit, within(1e-12));
            assertThat(below.chosen()).hasValue(0);
            assertThat(above.chosen()).isEmpty();
        }
    }

    private static EvidenceConstants outside(EvidenceConstants expert, double... outside) { // (requests)
        return new EvidenceConstants(expert.calibrationDigest(), expert.points(), expert.memories(), outside);
    }

    @Test
    void an_update_of_zero_cannot_be_measured() {
        BaseCalibration base = BaseCalibration.of("evidence-v1", "sha256:base", REQUESTS, List.of(calibration()));
        CalibrateAdapter calibrate = new CalibrateAdapter(base, DIGEST);
        ModuleUpdate zero = new ModuleUpdate("q", 1, 1, new double[] {0, 2}, new double[] {0, 0});

        assertThat(calibrate.calibrate(Map.of(POINT, List.of(zero))))
                .isInstanceOf(AdapterCalibration.NotMeasurable.class);
        assertThat(calibrate.calibrate(Map.of())).isInstanceOf(AdapterCalibration.NotMeasurable.class);
        assertThat(calibrate.calibrate(Map.of(POINT, List.of(zero, update(1)))))
                .isInstanceOf(AdapterCalibration.Calibrated.class);
    }

    @Test
    void an_update_of_another_width_or_point_is_refused() {
        BaseCalibration base = BaseCalibration.of("evidence-v1", "sha256:base", REQUESTS, List.of(calibration()));
        CalibrateAdapter calibrate = new CalibrateAdapter(base, DIGEST);
        ModuleUpdate wide = new ModuleUpdate("q", 1, 1, new double[] {0, 2, 1}, new double[] {3, 4});

        assertThatThrownBy(() -> calibrate.calibrate(Map.of(POINT, List.of(wide))))
                .hasMessageContaining("q reads 3 features");
        assertThatThrownBy(() -> calibrate.calibrate(Map.of(new ProbePoint(1, InputPlace.MLP_IN), List.of(update(1)))))
                .hasMessageContaining("layers.1.mlp_in is not calibrated");
        assertThatThrownBy(() -> new ModuleUpdate("q", 1, 1, new double[] {Double.NaN}, new double[] {1}))
                .hasMessageContaining("not finite");
    }

    @Test
    void inputs_that_cannot_be_whitened_are_refused() {
        TokenInputs three = TokenInputs.of(2, new double[6]);
        TokenInputs two = TokenInputs.of(2, new double[4]);
        FitCalibration fit = new FitCalibration(1);

        assertThatThrownBy(() ->
                        fit.fit(POINT, new TokenInputs.Sets(TokenInputs.of(2, new double[8]), three, two), REQUESTS))
                .hasMessageContaining("are equal at layers.0.attention_in");
        double[] broken = FIT.clone();
        broken[3] = Double.NaN;
        assertThatThrownBy(() -> fit.fit(POINT, new TokenInputs.Sets(TokenInputs.of(2, broken), three, two), REQUESTS))
                .hasMessageContaining("not finite");
        assertThatThrownBy(() -> fit.fit(POINT, new TokenInputs.Sets(TokenInputs.of(2, FIT), two, two), REQUESTS))
                .hasMessageContaining("statistics has 2 inputs");
    }
}
