package io.quiver.lora.evidence;

import io.quiver.lora.peft.LoraAdapter;
import io.quiver.lora.peft.LoraModule;
import io.quiver.lora.peft.LoraUpdates;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Measures adapters against a base calibration: how loud each is at its points on generic requests, and what its evidence comes
 * to there. In double precision except for the products with single-precision samples. Thread-safe.
 *
 * <pre>
 * P = [sᵢ Rᵢ Aᵢ]ᵢ · W     where Bᵢ = Qᵢ Rᵢ, so that ‖P(x − μ)‖² = Σᵢ ‖ΔWᵢ W (x − μ)‖²
 * z = (‖P(x − μ)‖ − m)/σ,  q(t) = mean of z over the points,  R = memory of q
 * </pre>
 */
public final class CalibrateAdapter {
    /** The last token alone, the last few, all alike. */
    public static final List<Double> GAMMAS = List.of(0.0, 0.8, 1.0);

    /** A loudness that varies by less than this part of its mean is constant: the rest is rounding. */
    private static final double CONSTANT = 1e-6;

    private final BaseCalibration calibration;
    private final String calibrationDigest;
    private final List<Double> gammas;
    private final int[] statisticsTokens; // (requests)
    private final int[] thresholdTokens; // (requests)

    /** @param calibrationDigest {@code sha256:…} of the calibration's file */
    public CalibrateAdapter(BaseCalibration calibration, String calibrationDigest) {
        this(calibration, calibrationDigest, GAMMAS);
    }

    /** @param gammas in order, at least one */
    public CalibrateAdapter(BaseCalibration calibration, String calibrationDigest, List<Double> gammas) {
        this.calibration = calibration;
        this.calibrationDigest = calibrationDigest;
        this.gammas = List.copyOf(gammas);
        GenericRequests requests = calibration.requests();
        statisticsTokens = requests.contentTokens(requests.statistics());
        thresholdTokens = requests.contentTokens(requests.threshold());
    }

    /**
     * Measures an adapter at the points that {@link ProbePoints#of} chooses for it.
     *
     * @throws IOException if its file cannot be read
     * @throws IllegalArgumentException if an element is not finite, or a module does not fit the base model
     */
    public AdapterCalibration calibrate(LoraUpdates updates) throws IOException {
        List<ProbePoint> points = ProbePoints.of(
                updates.modules().stream().map(LoraModule::path).toList(),
                calibration.points().keySet());
        TreeMap<ProbePoint, List<ModuleUpdate>> byPoint = new TreeMap<>();
        for (LoraModule module : updates.modules()) {
            ProbePoint point = ProbePoint.readBy(module.path()).orElse(null);
            if (point != null && points.contains(point)) {
                byPoint.computeIfAbsent(point, any -> new ArrayList<>()).add(read(updates, module));
            }
        }
        return calibrate(byPoint);
    }

    private static ModuleUpdate read(LoraUpdates updates, LoraModule module) throws IOException {
        double[] a = updates instanceof LoraAdapter adapter ? adapter.aExact(module) : exact(updates.a(module));
        double[] b = updates instanceof LoraAdapter adapter ? adapter.bExact(module) : exact(updates.b(module));
        return new ModuleUpdate(module.path(), module.rank(), module.scaling(), a, b);
    }

    private static double[] exact(float[] values) { // (elements)
        double[] exact = new double[values.length];
        for (int i = 0; i < exact.length; i++) {
            exact[i] = values[i];
        }
        return exact;
    }

    /**
     * Measures an adapter at the points given.
     *
     * @param updates of the modules that read each point
     * @throws IllegalArgumentException if a point is not calibrated, or a module is not as wide as the point
     */
    public AdapterCalibration calibrate(Map<ProbePoint, List<ModuleUpdate>> updates) {
        SortedMap<ProbePoint, List<ModuleUpdate>> sorted = new TreeMap<>(updates);
        sorted.values().removeIf(List::isEmpty);
        if (sorted.isEmpty()) {
            return new AdapterCalibration.NotMeasurable("no module of the adapter reads an input that is looked at");
        }
        List<Measured> measured = List.copyOf(sorted.entrySet()).parallelStream()
                .map(entry -> measure(entry.getKey(), entry.getValue()))
                .filter(Objects::nonNull)
                .toList();
        if (measured.isEmpty()) {
            return new AdapterCalibration.NotMeasurable(
                    "the adapter's updates answer every request alike: are they zero?");
        }
        return calibrated(measured);
    }

    /**
     * One point, and the adapter's z there.
     *
     * @param base what it was measured against
     * @param statistics z of the content tokens // (tokens)
     * @param threshold // (tokens)
     */
    private record Measured(PointCalibration base, PointEvidence evidence, double[] statistics, double[] threshold) {
        double[] normScores(double[] norms) { // (tokens)
            return Arrays.stream(norms).map(base.baseline()::normScore).toArray();
        }
    }

    /** Null if the loudness is always the same. */
    private @Nullable Measured measure(ProbePoint point, List<ModuleUpdate> updates) {
        PointCalibration base = calibration.points().get(point);
        if (base == null) {
            throw new IllegalArgumentException(point + " is not calibrated");
        }
        double[] matrix = matrix(base, updates);
        double[] statistics = base.statistics().norms(matrix);
        Moments loudness = Moments.of(statistics);
        if (!(loudness.deviation() > CONSTANT * loudness.mean())) {
            return null;
        }
        PointEvidence evidence = new PointEvidence(
                point, matrix.length / base.baseline().in(), matrix, loudness.mean(), loudness.deviation());
        return new Measured(
                base,
                evidence,
                scores(evidence, statistics),
                scores(evidence, base.threshold().norms(matrix)));
    }

    /** P. */
    private static double[] matrix(PointCalibration base, List<ModuleUpdate> updates) { // (rank, in)
        int in = base.baseline().in();
        List<double[]> cores = new ArrayList<>();
        for (ModuleUpdate update : updates) {
            if (update.in() != in) {
                throw new IllegalArgumentException(
                        update.path() + " reads " + update.in() + " features, " + base.point() + " has " + in);
            }
            cores.add(update.core());
        }
        double[] stacked =
                new double[cores.stream().mapToInt(core -> core.length).sum()];
        int at = 0;
        for (double[] core : cores) {
            System.arraycopy(core, 0, stacked, at, core.length);
            at += core.length;
        }
        return base.whitening().times(stacked);
    }

    private static double[] scores(PointEvidence evidence, double[] loudness) { // (tokens)
        return Arrays.stream(loudness).map(evidence::score).toArray();
    }

    private AdapterCalibration calibrated(List<Measured> measured) {
        double[] evidence = mean(measured.stream().map(Measured::statistics).toList());
        double[] unusual = mean(measured.stream()
                .map(one -> one.normScores(one.base().statisticsNorms()))
                .toList());
        List<MemoryConstants> memories = new ArrayList<>();
        for (double gamma : gammas) {
            double[] remembered = Memory.ofEach(gamma, evidence, statisticsTokens);
            double[] rememberedNorms = Memory.ofEach(gamma, unusual, statisticsTokens);
            if (!(Moments.of(remembered).deviation() > 0)) {
                return new AdapterCalibration.NotMeasurable("the adapter's updates answer every generic request alike");
            }
            memories.add(constants(gamma, remembered, rememberedNorms));
        }
        double[] outside = outside(
                memories,
                mean(measured.stream().map(Measured::threshold).toList()),
                mean(measured.stream()
                        .map(one -> one.normScores(one.base().thresholdNorms()))
                        .toList()));
        return new AdapterCalibration.Calibrated(new AdapterEvidence(
                calibrationDigest, measured.stream().map(Measured::evidence).toList(), memories, outside));
    }

    /** Mean over the points, token by token. */
    static double[] mean(List<double[]> scores) { // (points) of (tokens) -> (tokens)
        double[] mean = new double[scores.get(0).length];
        for (double[] point : scores) {
            for (int t = 0; t < mean.length; t++) {
                mean[t] += point[t];
            }
        }
        for (int t = 0; t < mean.length; t++) {
            mean[t] /= scores.size();
        }
        return mean;
    }

    /** Moments of R, and the line of least squares that predicts it from N. */
    private static MemoryConstants constants(
            double gamma, double[] memories, double[] norms) { // (requests), (requests)
        Moments moments = Moments.of(memories);
        Moments norm = Moments.of(norms);
        double product = 0;
        double square = 0;
        for (int i = 0; i < norms.length; i++) {
            product += (memories[i] - moments.mean()) * (norms[i] - norm.mean());
            square += (norms[i] - norm.mean()) * (norms[i] - norm.mean());
        }
        double slope = square > 0 ? product / square : 0;
        double intercept = moments.mean() - slope * norm.mean();
        double[] residuals = new double[memories.length];
        for (int i = 0; i < residuals.length; i++) {
            residuals[i] = memories[i] - slope * norms[i] - intercept;
        }
        return new MemoryConstants(
                gamma,
                moments.mean(),
                moments.deviation(),
                slope,
                intercept,
                Moments.of(residuals).deviation());
    }

    /** Stand-out on each request of the set threshold. */
    private double[] outside(
            List<MemoryConstants> memories, double[] evidence, double[] unusual) { // (tokens), (tokens)
        double[] outside = new double[thresholdTokens.length];
        for (MemoryConstants constants : memories) {
            double[] remembered = Memory.ofEach(constants.gamma(), evidence, thresholdTokens);
            double[] rememberedNorms = Memory.ofEach(constants.gamma(), unusual, thresholdTokens);
            for (int i = 0; i < outside.length; i++) {
                outside[i] += constants.standOut(remembered[i], rememberedNorms[i]) / memories.size();
            }
        }
        return outside;
    }
}
