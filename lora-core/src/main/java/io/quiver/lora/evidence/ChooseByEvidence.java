package io.quiver.lora.evidence;

import io.quiver.lora.evidence.EvidenceConstants.PointLoudness;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * Chooses the expert that answers a request from how loud each is at the tokens that bring evidence. Immutable.
 *
 * <pre>
 * score = mean over γ of (R − c)/d                              chooses
 * stand-out = mean over γ of (R − slope·N − intercept)/residual     says whether any fits
 * </pre>
 *
 * <p>Where every expert has examples, both are sharpened by what the request has of them: score + 10 · coefficient chooses, which
 * leaves out what experts have in common ({@link RegressOnExamples}), and stand-out + 10 · (similarity − 0.45), the fit, says whether any
 * fits.
 */
public final class ChooseByEvidence {
    /** What a coefficient of 1 of an expert's examples adds to its score, and a similarity of 1 to its fit beside one of none. */
    public static final double EXAMPLES_WEIGHT = 10;

    /** The similarity with an expert's examples that says nothing: own requests resemble them more, foreign ones less. */
    public static final double EXAMPLES_NEUTRAL = 0.45;

    private final Map<ProbePoint, PointBaseline> baselines = new HashMap<>();

    /** @param baselines of the calibration that the experts were measured against */
    public ChooseByEvidence(Collection<PointBaseline> baselines) {
        baselines.forEach(baseline -> this.baselines.put(baseline.point(), baseline));
    }

    /**
     * The loudness of one expert.
     *
     * @param constants of the expert
     * @param loudness ‖P(x − μ)‖ at the expert's points, in their order // (points, tokens)
     */
    public record ExpertLoudness(EvidenceConstants constants, double[][] loudness) {
        public ExpertLoudness {
            if (loudness.length != constants.points().size() || loudness[0].length == 0) {
                throw new IllegalArgumentException("there is loudness at " + loudness.length
                        + " points, the expert has " + constants.points().size());
            }
            for (double[] point : loudness) { // (tokens)
                if (point.length != loudness[0].length) {
                    throw new IllegalArgumentException("the points have different numbers of tokens");
                }
            }
        }
    }

    /**
     * What one expert's evidence comes to.
     *
     * @param norms ‖Dᵀ(x − μ)‖ of the same tokens, at least at the expert's points // (points) of (tokens)
     * @throws IllegalArgumentException if norms are missing, or of other tokens
     */
    public EvidenceReading read(ExpertLoudness expert, Map<ProbePoint, double[]> norms) {
        return read(expert, norms, new HashMap<>());
    }

    /** @param unusual ν by points, of experts read before: most are measured at the same ones // (tokens) each */
    private EvidenceReading read(
            ExpertLoudness expert, Map<ProbePoint, double[]> norms, Map<List<ProbePoint>, double[]> unusual) {
        List<PointLoudness> points = expert.constants().points();
        double[] scores = new double[expert.loudness()[0].length];
        for (int p = 0; p < points.size(); p++) {
            PointLoudness point = points.get(p);
            double[] loudness = expert.loudness()[p];
            for (int t = 0; t < scores.length; t++) {
                scores[t] += point.score(loudness[t]);
            }
        }
        divide(scores, points.size());
        List<ProbePoint> places = points.stream().map(PointLoudness::point).toList();
        return read(
                expert.constants(),
                scores,
                unusual.computeIfAbsent(places, some -> unusual(some, norms, scores.length)));
    }

    /** ν: the mean over some points of the z-score of ‖Dᵀ(x − μ)‖. // (tokens) */
    private double[] unusual(List<ProbePoint> points, Map<ProbePoint, double[]> norms, int tokens) {
        double[] unusual = new double[tokens];
        for (ProbePoint point : points) {
            PointBaseline baseline = baselines.get(point);
            double[] pointNorms = norms.get(point);
            if (baseline == null || pointNorms == null || pointNorms.length != tokens) {
                throw new IllegalArgumentException(
                        "there is no baseline, or there are not the norms of " + tokens + " tokens, at " + point);
            }
            for (int t = 0; t < tokens; t++) {
                unusual[t] += baseline.normScore(pointNorms[t]);
            }
        }
        divide(unusual, points.size());
        return unusual;
    }

    private static void divide(double[] sums, int count) {
        for (int i = 0; i < sums.length; i++) {
            sums[i] /= count;
        }
    }

    private static EvidenceReading read(EvidenceConstants expert, double[] scores, double[] unusual) { // (tokens) both
        List<MemoryConstants> memories = expert.memories();
        double[] remembered = new double[memories.size()];
        double score = 0;
        double standOut = 0;
        for (int i = 0; i < remembered.length; i++) {
            MemoryConstants constants = memories.get(i);
            remembered[i] = Memory.of(constants.gamma(), scores);
            score += constants.score(remembered[i]) / remembered.length;
            standOut += constants.standOut(remembered[i], Memory.of(constants.gamma(), unusual)) / remembered.length;
        }
        return new EvidenceReading(scores, remembered, score, standOut);
    }

    /**
     * The expert with the highest score, if its fit reaches the library's threshold.
     *
     * @param library experts in order, at least one, all measured against one calibration
     * @param norms as in {@link #read}
     * @param examples of all experts, compared with the request; {@link ExampleComparison#NONE} if not every expert has some
     * @param threshold instead of {@link LibraryThreshold#of}, such as −∞ to take any
     * @throws IllegalArgumentException if they do not fit together, or an input of the decision is not finite
     */
    public EvidenceDecision choose(
            List<ExpertLoudness> library,
            Map<ProbePoint, double[]> norms,
            ExampleComparison examples,
            OptionalDouble threshold) {
        Map<List<ProbePoint>, double[]> unusual = new HashMap<>();
        List<EvidenceReading> readings =
                library.stream().map(expert -> read(expert, norms, unusual)).toList();
        double[] scores = new double[readings.size()];
        if (examples.experts() != 0 && examples.experts() != scores.length) {
            throw new IllegalArgumentException(
                    "examples of " + examples.experts() + " experts were compared, there are " + scores.length);
        }
        for (int i = 0; i < scores.length; i++) {
            scores[i] = readings.get(i).score()
                    + (examples.experts() == 0 ? 0 : EXAMPLES_WEIGHT * examples.coefficients()[i]);
            if (!Double.isFinite(scores[i]) || !Double.isFinite(readings.get(i).standOut())) {
                throw new IllegalArgumentException("the evidence of expert " + i + " is not finite");
            }
        }
        int[] ranking = IntStream.range(0, scores.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -scores[i]))
                .mapToInt(Integer::intValue)
                .toArray();
        double least = threshold.isPresent()
                ? threshold.getAsDouble()
                : LibraryThreshold.of(
                        library.stream().map(ExpertLoudness::constants).toList());
        OptionalInt chosen =
                fit(readings, examples, ranking[0]) >= least ? OptionalInt.of(ranking[0]) : OptionalInt.empty();
        return new EvidenceDecision(readings, examples, scores, ranking, least, chosen);
    }

    /** How well one expert fits a request: its stand-out, sharpened by the similarity with its examples if these were compared. */
    static double fit(List<EvidenceReading> readings, ExampleComparison examples, int expert) {
        double sharpened =
                examples.experts() == 0 ? 0 : EXAMPLES_WEIGHT * (examples.similarities()[expert] - EXAMPLES_NEUTRAL);
        return readings.get(expert).standOut() + sharpened;
    }
}
