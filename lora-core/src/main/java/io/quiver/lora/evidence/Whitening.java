package io.quiver.lora.evidence;

/**
 * What makes the inputs of a point alike in all directions: W = (C + ridge · tr(C)/in · I)^(−1/2), symmetric.
 *
 * @param in features
 * @param matrix row-major // (in, in)
 */
public record Whitening(int in, double[] matrix) {
    public Whitening {
        if (in < 1 || matrix.length != (long) in * in) {
            throw new IllegalArgumentException(matrix.length + " elements are no matrix of " + in + " by " + in);
        }
    }
}
