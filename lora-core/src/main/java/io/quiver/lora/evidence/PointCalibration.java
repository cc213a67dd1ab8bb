package io.quiver.lora.evidence;

/**
 * What the base model does at one point on generic requests: all that adapters are measured against.
 *
 * @param baseline what requests are compared with
 * @param whitening W // (in, in)
 * @param lastMean x̄, mean of the inputs of the last tokens of the requests of {@code fit} // (in)
 * @param statistics x − μ of the content tokens of {@code statistics}, request after request // (tokens, in)
 * @param threshold the same of {@code threshold} // (tokens, in)
 * @param statisticsNorms ‖Dᵀ(x − μ)‖ of the same tokens // (tokens of statistics)
 * @param thresholdNorms // (tokens of threshold)
 */
public record PointCalibration(
        PointBaseline baseline,
        Whitening whitening,
        double[] lastMean,
        CentredInputs statistics,
        CentredInputs threshold,
        double[] statisticsNorms,
        double[] thresholdNorms) {
    public PointCalibration {
        int in = baseline.in();
        if (whitening.in() != in || lastMean.length != in || statistics.in() != in || threshold.in() != in) {
            throw new IllegalArgumentException("the parts of " + baseline.point() + " have different widths");
        }
        if (statisticsNorms.length != statistics.tokens() || thresholdNorms.length != threshold.tokens()) {
            throw new IllegalArgumentException(
                    "the parts of " + baseline.point() + " have different numbers of tokens");
        }
    }

    public ProbePoint point() {
        return baseline.point();
    }
}
