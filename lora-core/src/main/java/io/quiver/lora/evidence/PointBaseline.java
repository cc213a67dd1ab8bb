package io.quiver.lora.evidence;

/**
 * What inputs of a point are compared with when a request is decided: their mean on generic requests, and how long they
 * usually are in a few random whitened directions.
 *
 * @param mean μ // (in)
 * @param directions D = W·G with G standard normal, row-major // (in, {@link #DIRECTIONS})
 * @param normMean mean of ‖Dᵀ(x − μ)‖ over the content tokens of {@code statistics}
 * @param normDeviation its deviation (n − 1), above 0
 */
public record PointBaseline(
        ProbePoint point, double[] mean, double[] directions, double normMean, double normDeviation) {
    /** Columns of D. */
    public static final int DIRECTIONS = 8;

    public PointBaseline {
        if (mean.length < 1 || directions.length != (long) mean.length * DIRECTIONS) {
            throw new IllegalArgumentException("the directions of " + point + " are not (" + mean.length + ", "
                    + DIRECTIONS + ") but have " + directions.length + " elements");
        }
        if (!(normMean >= 0)
                || !(normDeviation > 0)
                || Double.isInfinite(normMean)
                || Double.isInfinite(normDeviation)) {
            throw new IllegalArgumentException(
                    "the norms of " + point + " have mean " + normMean + " and deviation " + normDeviation);
        }
    }

    /** Features of an input. */
    public int in() {
        return mean.length;
    }

    /** Dᵀ, row-major. */
    public double[] directionRows() { // (8, in)
        return rows(directions, mean.length);
    }

    static double[] rows(double[] directions, int in) { // (in, 8) -> (8, in)
        double[] rows = new double[directions.length];
        for (int i = 0; i < directions.length; i++) {
            rows[i % DIRECTIONS * in + i / DIRECTIONS] = directions[i];
        }
        return rows;
    }

    static double[] columns(double[] rows, int in) { // (8, in) -> (in, 8)
        double[] columns = new double[rows.length];
        for (int i = 0; i < rows.length; i++) {
            columns[i % in * DIRECTIONS + i / in] = rows[i];
        }
        return columns;
    }

    /** The z-score of ‖Dᵀ(x − μ)‖. */
    public double normScore(double norm) {
        return (norm - normMean) / normDeviation;
    }
}
