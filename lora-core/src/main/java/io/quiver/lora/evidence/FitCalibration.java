package io.quiver.lora.evidence;

import java.util.Arrays;
import java.util.Random;

/**
 * Fits a base calibration to what the base model does on generic requests, point by point.
 *
 * <pre>
 * μ = mean of x,  C = mean of (x − μ)(x − μ)ᵀ     over the content tokens of fit
 * W = (C + ridge · tr(C)/in · I)^(−1/2)
 * D = W·G                                        G (in, 8) standard normal, from a seed
 * </pre>
 *
 * Of points wider than {@link #EXACT_WIDTH_MAX} only the {@link #RANK} largest directions of C are whitened each by its own
 * variance, all others by their mean: a 7B model's W then takes 4 to 11 MB a point instead of 64 to 485.
 * In double precision; the same input and seed give the same bits, whatever the number of threads.
 */
public final class FitCalibration {
    /** What this class computes, and its version: equal names mean equal numbers for equal input. */
    public static final String ALGORITHM = "evidence-v1";

    /** Part of the mean variance that is added to every variance: directions that were never seen stay bounded. */
    public static final double RIDGE = 0.1;

    /** Tokens that are centred and multiplied together. */
    private static final int BLOCK = 512;

    /** Widest point that is whitened exactly: beyond, eigenvectors take minutes and the matrix more than 32 MB. */
    public static final int EXACT_WIDTH_MAX = 2048;

    /** Directions of wider points that are whitened each by its own variance. */
    public static final int RANK = 256;

    private final double ridge;
    private final long seed;
    private final int exactWidthMax;
    private final int rank;

    /** @param seed of the random directions */
    public FitCalibration(long seed) {
        this(RIDGE, seed);
    }

    /**
     * @param ridge above 0
     * @param seed of the random directions
     */
    public FitCalibration(double ridge, long seed) {
        this(ridge, seed, EXACT_WIDTH_MAX, RANK);
    }

    /**
     * @param ridge above 0
     * @param seed of the random directions
     * @param exactWidthMax widest point that is whitened exactly
     * @param rank directions of wider points that are whitened each by its own variance; all others by their mean
     */
    public FitCalibration(double ridge, long seed, int exactWidthMax, int rank) {
        if (!(ridge > 0) || Double.isInfinite(ridge)) {
            throw new IllegalArgumentException("the ridge is above 0 and finite, not " + ridge);
        }
        if (exactWidthMax < 0 || rank < 1) {
            throw new IllegalArgumentException("nothing is whitened with " + rank + " directions");
        }
        this.ridge = ridge;
        this.seed = seed;
        this.exactWidthMax = exactWidthMax;
        this.rank = rank;
    }

    /**
     * Fits one point, with random directions of its own. What is stored of {@code statistics} and {@code threshold} is as exact
     * as the inputs given.
     *
     * @param inputs of the content tokens of all requests
     * @throws IllegalArgumentException if an input is not finite, if there are other numbers of tokens than the requests have,
     *     or if all tokens of {@code fit} are equal
     */
    public PointCalibration fit(ProbePoint point, TokenInputs.Sets inputs, GenericRequests requests) {
        Whitened whitened = whiten(point, inputs.fit());
        int in = inputs.fit().in();
        // W is symmetric: Dᵀ = Gᵀ·W.
        double[] rows = whitened.whitening().times(PointBaseline.rows(gaussian(point, in), in));
        double[] directions = PointBaseline.columns(rows, in);
        return complete(point, inputs, requests, whitened, directions);
    }

    /**
     * Fits one point with directions that are given.
     *
     * @param directions D, row-major // (in, 8)
     * @throws IllegalArgumentException as {@link #fit(ProbePoint, TokenInputs.Sets, GenericRequests)}
     */
    public PointCalibration fit(
            ProbePoint point, TokenInputs.Sets inputs, GenericRequests requests, double[] directions) {
        return complete(point, inputs, requests, whiten(point, inputs.fit()), directions);
    }

    /**
     * Mean and whitening of one point.
     *
     * @param mean μ // (in)
     */
    private record Whitened(double[] mean, Whitening whitening) {}

    private Whitened whiten(ProbePoint point, TokenInputs fit) {
        double[] mean = mean(fit);
        double total = 0;
        double[] row = new double[fit.in()];
        for (int t = 0; t < fit.tokens(); t++) {
            centre(fit, t, mean, row);
            for (double value : row) {
                total += value * value;
            }
        }
        double trace = total / fit.tokens();
        if (!Double.isFinite(trace)) {
            throw new IllegalArgumentException("an input of " + point + " is not finite");
        }
        if (!(trace > 0)) {
            throw new IllegalArgumentException("all tokens of the set fit are equal at " + point);
        }
        double added = ridge * trace / fit.in();
        return new Whitened(
                mean,
                fit.in() <= exactWidthMax
                        ? inverseRoot(covariance(fit, mean), fit.in(), added)
                        : lowRank(point, fit, mean, trace, added));
    }

    private static void centre(TokenInputs inputs, int token, double[] mean, double[] row) { // (in), (in)
        inputs.copyRow(token, row);
        DenseProducts.addOne(-1, mean, row, 0);
    }

    private static double[] covariance(TokenInputs fit, double[] mean) { // (in) -> (in, in)
        int in = fit.in();
        double[][] sums = new double[in][in];
        double[][] rows = new double[BLOCK][in];
        double[] weights = new double[BLOCK];
        Arrays.fill(weights, 1.0 / fit.tokens());
        for (int first = 0; first < fit.tokens(); first += BLOCK) {
            int count = Math.min(BLOCK, fit.tokens() - first);
            for (int t = 0; t < count; t++) {
                centre(fit, first + t, mean, rows[t]);
            }
            DenseProducts.addGram(rows, weights, count, sums);
        }
        return DenseProducts.symmetric(sums);
    }

    private Whitening lowRank(ProbePoint point, TokenInputs fit, double[] mean, double trace, double added) { // (in)
        int in = fit.in();
        double[][] rows = new double[fit.tokens()][in];
        for (int t = 0; t < rows.length; t++) {
            centre(fit, t, mean, rows[t]);
        }
        LargestDirections largest = LargestDirections.of(rows, Math.min(rank, in), seed(point));
        double rest = trace - Arrays.stream(largest.variances()).sum();
        int others = in - largest.variances().length;
        double floor = 1 / Math.sqrt((others > 0 ? Math.max(0, rest) / others : 0) + added);
        double[] gains = Arrays.stream(largest.variances())
                .map(variance -> 1 / Math.sqrt(variance + added))
                .toArray();
        double[] vectors = new double[gains.length * in];
        for (int k = 0; k < gains.length; k++) {
            System.arraycopy(largest.vectors()[k], 0, vectors, k * in, in);
        }
        return new Whitening.LowRank(in, floor, gains, vectors);
    }

    /** (C + added · I)^(−1/2). */
    private static Whitening inverseRoot(double[] covariance, int in, double added) { // (in, in)
        SymmetricEigen eigen = SymmetricEigen.of(covariance, in);
        double[] gains = new double[in];
        for (int i = 0; i < in; i++) {
            // Rounding may leave a variance slightly below 0.
            gains[i] = 1 / Math.sqrt(Math.max(0, eigen.values()[i]) + added);
        }
        return new Whitening.Full(in, DenseProducts.weightedGram(eigen.vectors(), gains, in, in));
    }

    private static double[] mean(TokenInputs inputs) { // (in)
        double[] mean = new double[inputs.in()];
        double[] row = new double[inputs.in()];
        for (int t = 0; t < inputs.tokens(); t++) {
            inputs.copyRow(t, row);
            for (int i = 0; i < mean.length; i++) {
                mean[i] += row[i];
            }
        }
        for (int i = 0; i < mean.length; i++) {
            mean[i] /= inputs.tokens();
        }
        return mean;
    }

    /** G of a point: of the same point always the same. */
    private double[] gaussian(ProbePoint point, int in) { // (in, 8)
        Random random = new Random(
                seed * 1_000_003 + point.layer() * 31L + point.place().ordinal());
        double[] gaussian = new double[in * PointBaseline.DIRECTIONS];
        for (int i = 0; i < gaussian.length; i++) {
            gaussian[i] = random.nextGaussian();
        }
        return gaussian;
    }

    private long seed(ProbePoint point) {
        return seed * 1_000_003 + point.layer() * 31L + point.place().ordinal();
    }

    private static PointCalibration complete(
            ProbePoint point,
            TokenInputs.Sets inputs,
            GenericRequests requests,
            Whitened whitened,
            double[] directions) {
        int[] fitTokens = requests.contentTokens(requests.fit());
        checkTokens(point, "fit", inputs.fit(), fitTokens);
        checkTokens(point, "statistics", inputs.statistics(), requests.contentTokens(requests.statistics()));
        checkTokens(point, "threshold", inputs.threshold(), requests.contentTokens(requests.threshold()));
        CentredInputs statistics = centred(point, inputs.statistics(), whitened.mean());
        CentredInputs threshold = centred(point, inputs.threshold(), whitened.mean());
        double[] rows = PointBaseline.rows(directions, whitened.mean().length);
        double[] statisticsNorms = statistics.norms(rows);
        Moments norm = Moments.of(statisticsNorms);
        return new PointCalibration(
                new PointBaseline(point, whitened.mean(), directions, norm.mean(), norm.deviation()),
                whitened.whitening(),
                lastMean(inputs.fit(), fitTokens),
                statistics,
                threshold,
                statisticsNorms,
                threshold.norms(rows));
    }

    private static void checkTokens(ProbePoint point, String set, TokenInputs inputs, int[] tokens) { // (requests)
        int expected = Arrays.stream(tokens).sum();
        if (inputs.tokens() != expected) {
            throw new IllegalArgumentException("the set " + set + " has " + inputs.tokens() + " inputs at " + point
                    + ", its requests have " + expected + " tokens");
        }
    }

    /** Mean of the inputs of the last token of every request. */
    private static double[] lastMean(TokenInputs fit, int[] tokens) { // (requests) -> (in)
        double[] mean = new double[fit.in()];
        double[] row = new double[fit.in()];
        int end = 0;
        for (int count : tokens) {
            end += count;
            fit.copyRow(end - 1, row);
            for (int i = 0; i < mean.length; i++) {
                mean[i] += row[i] / tokens.length;
            }
        }
        return mean;
    }

    private static CentredInputs centred(ProbePoint point, TokenInputs inputs, double[] mean) { // (in)
        int in = inputs.in();
        boolean exactly = inputs instanceof TokenInputs.Exact;
        double[] exact = new double[exactly ? inputs.tokens() * in : 0];
        float[] rounded = new float[exactly ? 0 : inputs.tokens() * in];
        double[] row = new double[in];
        for (int t = 0; t < inputs.tokens(); t++) {
            inputs.copyRow(t, row);
            for (int i = 0; i < in; i++) {
                double off = row[i] - mean[i];
                if (!Double.isFinite(off)) {
                    throw new IllegalArgumentException("an input of " + point + " is not finite");
                }
                if (exactly) {
                    exact[t * in + i] = off;
                } else {
                    rounded[t * in + i] = (float) off;
                }
            }
        }
        return exactly ? new ExactInputs(in, exact) : new SampledInputs(in, rounded);
    }
}
