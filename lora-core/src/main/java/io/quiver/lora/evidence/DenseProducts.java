package io.quiver.lora.evidence;

import java.util.stream.IntStream;

/**
 * Products of dense matrices in double precision, row-major, on the common pool. Sums are added up in an order that does not
 * depend on the number of threads: the same input gives the same bits everywhere.
 */
final class DenseProducts {
    /** Rows of the right factor that are added to a row of the result in one pass: fewer reads and writes of that row. */
    private static final int FUSED = 8;

    /** Rows of the right factor that stay in the second cache while all rows of the result take them. */
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
        double[] product = new double[rows * columns];
        stripes(rows).forEach(stripe -> {
            int end = Math.min(rows, (stripe + 1) * STRIPE);
            for (int depth = 0; depth < inner; depth += DEPTH) {
                int depthEnd = Math.min(inner, depth + DEPTH);
                for (int i = stripe * STRIPE; i < end; i++) {
                    int k = depth;
                    for (; k + FUSED <= depthEnd; k += FUSED) {
                        addEight(a, i * inner + k, 1, b, k * columns, columns, product, i * columns, 0);
                    }
                    for (; k < depthEnd; k++) {
                        addOne(a[i * inner + k], b, k * columns, product, i * columns, 0, columns);
                    }
                }
            }
        });
        return product;
    }

    /**
     * Σ wₜ yₜ yₜᵀ, symmetric to the last bit.
     *
     * @param y // (count, n)
     * @param weights w // (count)
     * @return // (n, n)
     */
    static double[] weightedGram(double[] y, double[] weights, int count, int n) {
        double[] scaled = new double[y.length];
        for (int t = 0; t < count; t++) {
            for (int i = 0; i < n; i++) {
                scaled[t * n + i] = weights[t] * y[t * n + i];
            }
        }
        double[] gram = new double[n * n];
        addGram(scaled, y, count, n, gram);
        mirror(gram, n);
        return gram;
    }

    /**
     * Adds Σ xₜ yₜᵀ to the upper triangle.
     *
     * @param x // (count, n)
     * @param y // (count, n)
     * @param gram // (n, n)
     */
    static void addGram(double[] x, double[] y, int count, int n, double[] gram) {
        stripes(n).forEach(stripe -> {
            int end = Math.min(n, (stripe + 1) * STRIPE);
            for (int depth = 0; depth < count; depth += DEPTH) {
                int depthEnd = Math.min(count, depth + DEPTH);
                for (int i = stripe * STRIPE; i < end; i++) {
                    int t = depth;
                    for (; t + FUSED <= depthEnd; t += FUSED) {
                        addEight(x, t * n + i, n, y, t * n, n, gram, i * n, i);
                    }
                    for (; t < depthEnd; t++) {
                        addOne(x[t * n + i], y, t * n, gram, i * n, i, n);
                    }
                }
            }
        });
    }

    /** Copies the upper triangle to the lower one. */
    static void mirror(double[] matrix, int n) { // (n, n)
        for (int i = 0; i < n; i++) {
            for (int j = i + 1; j < n; j++) {
                matrix[j * n + i] = matrix[i * n + j];
            }
        }
    }

    private static IntStream stripes(int rows) {
        return IntStream.range(0, (rows + STRIPE - 1) / STRIPE).parallel();
    }

    /** sum[j] += Σₖ a[k]·b[k][j] for eight k, from a column on. */
    private static void addEight(
            double[] a, int aAt, int aStep, double[] b, int bAt, int columns, double[] sum, int sumAt, int from) {
        double a0 = a[aAt];
        double a1 = a[aAt + aStep];
        double a2 = a[aAt + 2 * aStep];
        double a3 = a[aAt + 3 * aStep];
        double a4 = a[aAt + 4 * aStep];
        double a5 = a[aAt + 5 * aStep];
        double a6 = a[aAt + 6 * aStep];
        double a7 = a[aAt + 7 * aStep];
        int b1 = bAt + columns;
        int b2 = b1 + columns;
        int b3 = b2 + columns;
        int b4 = b3 + columns;
        int b5 = b4 + columns;
        int b6 = b5 + columns;
        int b7 = b6 + columns;
        for (int j = from; j < columns; j++) {
            sum[sumAt + j] += (a0 * b[bAt + j] + a1 * b[b1 + j] + a2 * b[b2 + j] + a3 * b[b3 + j])
                    + (a4 * b[b4 + j] + a5 * b[b5 + j] + a6 * b[b6 + j] + a7 * b[b7 + j]);
        }
    }

    /** sum[j] += factor·b[j], from a column on. */
    static void addOne(double factor, double[] b, int bAt, double[] sum, int sumAt, int from, int columns) {
        for (int j = from; j < columns; j++) {
            sum[sumAt + j] += factor * b[bAt + j];
        }
    }
}
