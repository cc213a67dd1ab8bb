package io.quiver.lora.evidence;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Products of dense matrices in double precision on the common pool. Sums are added up in an order that does not depend on the
 * number of threads: the same input gives the same bits everywhere.
 *
 * <p>Inner loops run over whole rows in arrays of their own, four at a time: these the compiler vectorises, which it does not
 * with several rows of one array, or with more than four. That makes them five times as fast.
 */
final class DenseProducts {
    /** Rows of the right factor that stay in the second cache while all rows of a stripe take them. */
    private static final int DEPTH = 64;

    /** Rows of the result that one thread takes at a time. */
    private static final int STRIPE = 24;

    private DenseProducts() {}

    /**
     * A·B.
     *
     * @param a // (rows, inner)
     * @param b // (inner, columns)
     * @return // (rows, columns)
     */
    static double[] times(double[] a, double[] b, int rows, int inner, int columns) {
        double[][] product = product(rows(a, rows, inner), rows(b, inner, columns));
        double[] flat = new double[rows * columns];
        for (int i = 0; i < rows; i++) {
            System.arraycopy(product[i], 0, flat, i * columns, columns);
        }
        return flat;
    }

    /**
     * A·B.
     *
     * @param a // (rows, inner)
     * @param b // (inner, columns)
     * @return // (rows, columns)
     */
    static double[][] product(double[][] a, double[][] b) {
        double[][] product = new double[a.length][b[0].length];
        stripes(a.length).forEach(stripe -> {
            int end = Math.min(a.length, (stripe + 1) * STRIPE);
            for (int depth = 0; depth < b.length; depth += DEPTH) {
                int depthEnd = Math.min(b.length, depth + DEPTH);
                for (int i = stripe * STRIPE; i < end; i++) {
                    addRows(a[i], b, depth, depthEnd, product[i], 0);
                }
            }
        });
        return product;
    }

    /** Rows as columns. */
    static double[][] transposed(double[][] matrix) { // (rows, columns) -> (columns, rows)
        double[][] transposed = new double[matrix[0].length][matrix.length];
        for (int i = 0; i < matrix.length; i++) {
            for (int j = 0; j < transposed.length; j++) {
                transposed[j][i] = matrix[i][j];
            }
        }
        return transposed;
    }

    /**
     * Σ wₜ yₜ yₜᵀ, symmetric to the last bit.
     *
     * @param y // (count, n)
     * @param weights w // (count)
     * @return // (n, n)
     */
    static double[] weightedGram(double[] y, double[] weights, int count, int n) {
        double[][] rows = rows(y, count, n);
        double[][] gram = new double[n][n];
        addGram(rows, weights, count, gram);
        return symmetric(gram);
    }

    /**
     * Adds Σ wₜ yₜ yₜᵀ to the upper triangle.
     *
     * @param y // (count, n)
     * @param weights w // (count)
     * @param gram // (n, n)
     */
    static void addGram(double[][] y, double[] weights, int count, double[][] gram) {
        int n = gram.length;
        stripes(n).forEach(stripe -> {
            int first = stripe * STRIPE;
            int end = Math.min(n, first + STRIPE);
            double[] factors = new double[count];
            for (int depth = 0; depth < count; depth += DEPTH) {
                int depthEnd = Math.min(count, depth + DEPTH);
                for (int i = first; i < end; i++) {
                    for (int t = depth; t < depthEnd; t++) {
                        factors[t] = weights[t] * y[t][i];
                    }
                    addRows(factors, y, depth, depthEnd, gram[i], i);
                }
            }
        });
    }

    /** The matrix of which this is the upper triangle, row-major. */
    static double[] symmetric(double[][] upper) { // (n, n) both
        int n = upper.length;
        double[] matrix = new double[n * n];
        for (int i = 0; i < n; i++) {
            for (int j = i; j < n; j++) {
                matrix[i * n + j] = upper[i][j];
                matrix[j * n + i] = upper[i][j];
            }
        }
        return matrix;
    }

    /** The rows of a matrix as arrays of their own. */
    static double[][] rows(double[] matrix, int rows, int columns) { // (rows, columns) both
        double[][] split = new double[rows][];
        for (int i = 0; i < rows; i++) {
            split[i] = Arrays.copyOfRange(matrix, i * columns, (i + 1) * columns);
        }
        return split;
    }

    private static IntStream stripes(int rows) {
        return IntStream.range(0, (rows + STRIPE - 1) / STRIPE).parallel();
    }

    /** sum[j] += Σ factors[k]·rows[k][j] for k from first to end, and j from a column on. */
    private static void addRows(double[] factors, double[][] rows, int first, int end, double[] sum, int from) {
        int k = first;
        for (; k + 4 <= end; k += 4) {
            addFour(
                    factors[k],
                    rows[k],
                    factors[k + 1],
                    rows[k + 1],
                    factors[k + 2],
                    rows[k + 2],
                    factors[k + 3],
                    rows[k + 3],
                    sum,
                    from);
        }
        for (; k < end; k++) {
            addOne(factors[k], rows[k], sum, from);
        }
    }

    /** sum[j] += a·w[j] + b·x[j] + c·y[j] + d·z[j], from a column on. */
    static void addFour(
            double a,
            double[] w,
            double b,
            double[] x,
            double c,
            double[] y,
            double d,
            double[] z,
            double[] sum,
            int from) {
        for (int j = from; j < sum.length; j++) {
            sum[j] += (a * w[j] + b * x[j]) + (c * y[j] + d * z[j]);
        }
    }

    /** sum[j] += a·x[j], from a column on. */
    static void addOne(double a, double[] x, double[] sum, int from) {
        for (int j = from; j < sum.length; j++) {
            sum[j] += a * x[j];
        }
    }

    /** sum[j] += a·x[j] + b·y[j], from a column on. */
    static void addTwo(double a, double[] x, double b, double[] y, double[] sum, int from) {
        for (int j = from; j < sum.length; j++) {
            sum[j] += a * x[j] + b * y[j];
        }
    }
}
