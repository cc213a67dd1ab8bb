package io.quiver.lora.evidence;

import java.util.Arrays;

/**
 * What makes the inputs of a point alike in all directions: W = (C + ridge · tr(C)/in · I)^(−1/2), symmetric; exactly, or
 * with the largest directions of C as they are and one mean variance for all others.
 */
public sealed interface Whitening {
    /** Features. */
    int in();

    /**
     * X·W.
     *
     * @param rows X, row-major // (rows, in)
     * @return row-major // (rows, in)
     */
    double[] times(double[] rows);

    /** W as a matrix, row-major. */
    double[] matrix(); // (in, in)

    /**
     * Any symmetric matrix.
     *
     * @param matrix row-major // (in, in)
     */
    record Full(int in, double[] matrix) implements Whitening {
        public Full {
            if (in < 1 || matrix.length != (long) in * in) {
                throw new IllegalArgumentException(matrix.length + " elements are no matrix of " + in + " by " + in);
            }
        }

        @Override
        public double[] times(double[] rows) { // (rows, in)
            return DenseProducts.times(rows, matrix, rows.length / in, in, in);
        }
    }

    /**
     * Low rank plus a multiple of the identity: floor · I + Σ (gainₖ − floor) vₖ vₖᵀ. Takes rank · in numbers instead of in².
     *
     * @param floor gain of every direction that is not among the vectors, above 0
     * @param gains of the vectors, each above 0 // (rank)
     * @param vectors vₖ, orthonormal, row-major // (rank, in)
     */
    record LowRank(int in, double floor, double[] gains, double[] vectors) implements Whitening {
        public LowRank {
            if (in < 1 || gains.length < 1 || gains.length > in || vectors.length != (long) gains.length * in) {
                throw new IllegalArgumentException(
                        vectors.length + " elements are no " + gains.length + " vectors of " + in + " features");
            }
            if (!(floor > 0)
                    || Double.isInfinite(floor)
                    || !Arrays.stream(gains).allMatch(gain -> gain > 0)) {
                throw new IllegalArgumentException("the gains of a whitening are above 0 and finite");
            }
        }

        @Override
        public double[] times(double[] rows) { // (rows, in)
            int count = rows.length / in;
            int rank = gains.length;
            double[][] left = DenseProducts.rows(rows, count, in);
            double[][] basis = DenseProducts.rows(vectors, rank, in);
            double[][] shares = DenseProducts.product(left, DenseProducts.transposed(basis)); // (count, rank)
            for (double[] share : shares) { // (rank)
                for (int k = 0; k < rank; k++) {
                    share[k] *= gains[k] - floor;
                }
            }
            double[][] products = DenseProducts.product(shares, basis); // (count, in)
            double[] result = new double[rows.length];
            for (int i = 0; i < count; i++) {
                DenseProducts.addOne(floor, left[i], products[i], 0);
                System.arraycopy(products[i], 0, result, i * in, in);
            }
            return result;
        }

        @Override
        public double[] matrix() { // (in, in)
            double[] identity = new double[Math.multiplyExact(in, in)];
            for (int i = 0; i < in; i++) {
                identity[i * in + i] = 1;
            }
            return times(identity);
        }
    }
}
