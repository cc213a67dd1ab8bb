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
}
