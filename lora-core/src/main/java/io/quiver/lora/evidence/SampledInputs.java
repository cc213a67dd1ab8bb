package io.quiver.lora.evidence;

import java.util.stream.IntStream;

/**
 * Centred inputs in single precision, multiplied block by block on the common pool: norms are good to 1e-5 relative, and come
 * fast enough to measure an adapter while somebody waits.
 */
public final class SampledInputs implements CentredInputs {
    /** Tokens that are multiplied together: four features of them and their sums for some rows stay in the first cache. */
    private static final int BLOCK = 256;

    /** Features whose products are added to a sum in one pass: with more arrays in a loop the compiler does not vectorise it. */
    private static final int FUSED = 4;

    private final int in;
    private final int tokens;

    /** x − μ, transposed: neighbours in memory are tokens // (blocks) of (in, BLOCK or the rest) */
    private final float[][][] blocks;

    /**
     * @param values x − μ, row-major; copied // (tokens, in)
     * @throws IllegalArgumentException if they are no rows
     */
    public SampledInputs(int in, float[] values) {
        if (in < 1 || values.length % in != 0) {
            throw new IllegalArgumentException(values.length + " values are no rows of " + in);
        }
        this.in = in;
        tokens = values.length / in;
        blocks = new float[(tokens + BLOCK - 1) / BLOCK][][];
        for (int block = 0; block < blocks.length; block++) {
            int count = count(block);
            blocks[block] = new float[in][count];
            for (int t = 0; t < count; t++) {
                for (int i = 0; i < in; i++) {
                    blocks[block][i][t] = values[(block * BLOCK + t) * in + i];
                }
            }
        }
    }

    private int count(int block) {
        return Math.min(BLOCK, tokens - block * BLOCK);
    }

    @Override
    public int in() {
        return in;
    }

    @Override
    public int tokens() {
        return tokens;
    }

    @Override
    public float[] singles() { // (tokens, in)
        float[] values = new float[tokens * in];
        for (int block = 0; block < blocks.length; block++) {
            int count = count(block);
            for (int t = 0; t < count; t++) {
                for (int i = 0; i < in; i++) {
                    values[(block * BLOCK + t) * in + i] = blocks[block][i][t];
                }
            }
        }
        return values;
    }

    @Override
    public double[] norms(double[] matrix) { // (rows, in) -> (tokens)
        if (matrix.length % in != 0) {
            throw new IllegalArgumentException(matrix.length + " elements are no rows of " + in);
        }
        float[] factors = new float[matrix.length];
        for (int i = 0; i < factors.length; i++) {
            factors[i] = (float) matrix[i];
        }
        double[] norms = new double[tokens];
        IntStream.range(0, blocks.length).parallel().forEach(block -> blockNorms(factors, block, norms));
        return norms;
    }

    private void blockNorms(float[] factors, int block, double[] norms) { // (rows, in), (tokens)
        int count = count(block);
        int rows = factors.length / in;
        float[][] features = blocks[block]; // (in, count)
        float[][] sums = new float[rows][count];
        int whole = in - in % FUSED;
        for (int i = 0; i < whole; i += FUSED) {
            for (int row = 0; row < rows; row++) {
                addFour(factors, row * in + i, features, i, sums[row]);
            }
        }
        for (int i = whole; i < in; i++) {
            for (int row = 0; row < rows; row++) {
                addOne(factors[row * in + i], features[i], sums[row]);
            }
        }
        for (int t = 0; t < count; t++) {
            double square = 0;
            for (float[] sum : sums) { // (count)
                square += (double) sum[t] * sum[t];
            }
            norms[block * BLOCK + t] = Math.sqrt(square);
        }
    }

    private static void addFour(float[] factors, int at, float[][] features, int first, float[] sums) {
        addFour(
                factors[at],
                features[first],
                factors[at + 1],
                features[first + 1],
                factors[at + 2],
                features[first + 2],
                factors[at + 3],
                features[first + 3],
                sums);
    }

    private static void addFour(
            float a,
            float[] w,
            float b,
            float[] x,
            float c,
            float[] y,
            float d,
            float[] z,
            float[] sums) { // (count) all
        for (int t = 0; t < sums.length; t++) {
            sums[t] += (a * w[t] + b * x[t]) + (c * y[t] + d * z[t]);
        }
    }

    private static void addOne(float a, float[] x, float[] sums) { // (count) both
        for (int t = 0; t < sums.length; t++) {
            sums[t] += a * x[t];
        }
    }
}
