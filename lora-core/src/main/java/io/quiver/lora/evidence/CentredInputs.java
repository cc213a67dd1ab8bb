package io.quiver.lora.evidence;

/** Inputs of a point less their mean, x − μ, token by token. Thread-safe. */
public sealed interface CentredInputs permits ExactInputs, SampledInputs {
    /** Features of one token. */
    int in();

    /** Rows. */
    int tokens();

    /**
     * ‖M(x − μ)‖ of every token.
     *
     * @param matrix M, row-major // (rows, in)
     * @return // (tokens)
     */
    double[] norms(double[] matrix);

    /** x − μ in single precision, row-major; not to be changed. */
    float[] singles(); // (tokens, in)

    /** Square root of the mean square of all elements, above 0 unless all are 0. */
    default double rootMeanSquare() {
        double square = 0;
        float[] values = singles();
        for (float value : values) {
            square += (double) value * value;
        }
        return Math.sqrt(square / values.length);
    }
}
