package io.quiver.lora.evidence;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Centred inputs in single precision, multiplied block by block on the common pool: good to 1e-5 relative, and fast enough to
 * measure an adapter while somebody waits.
 *
 * @param values x − μ, row-major // (tokens, in)
 */
public record SampledInputs(int in, float[] values) implements CentredInputs {
    /** Tokens that are multiplied together. Sums of a block stay in the first cache. */
    private static final int BLOCK = 256;

    public SampledInputs {
        if (in < 1 || values.length % in != 0) {
            throw new IllegalArgumentException(values.length + " values are no rows of " + in);
        }
    }

    @Override
    public int tokens() {
        return values.length / in;
    }

    @Override
    public double[] norms(double[] matrix) { // (rows, in) -> (tokens)
        if (matrix.length % in != 0) {
            throw new IllegalArgumentException(matrix.length + " elements are no rows of " + in);
        }
        double[] norms = new double[tokens()];
        IntStream.range(0, (norms.length + BLOCK - 1) / BLOCK)
                .parallel()
                .forEach(block -> blockNorms(matrix, block * BLOCK, norms));
        return norms;
    }

    private void blockNorms(double[] matrix, int first, double[] norms) { // (rows, in), (tokens)
        int count = Math.min(BLOCK, norms.length - first);
        float[] columns = transposed(first, count); // (in, count)
        float[] sums = new float[count];
        double[] squares = new double[count];
        for (int row = 0; row < matrix.length; row += in) {
            Arrays.fill(sums, 0);
            for (int i = 0; i < in; i++) {
                addScaled((float) matrix[row + i], columns, i * count, sums);
            }
            for (int t = 0; t < count; t++) {
                squares[t] += (double) sums[t] * sums[t];
            }
        }
        for (int t = 0; t < count; t++) {
            norms[first + t] = Math.sqrt(squares[t]);
        }
    }

    private float[] transposed(int first, int count) { // (in, count)
        float[] columns = new float[in * count];
        for (int t = 0; t < count; t++) {
            for (int i = 0; i < in; i++) {
                columns[i * count + t] = values[(first + t) * in + i];
            }
        }
        return columns;
    }

    private static void addScaled(float factor, float[] column, int offset, float[] sums) { // (in × count), (count)
        for (int t = 0; t < sums.length; t++) {
            sums[t] += factor * column[offset + t];
        }
    }
}
