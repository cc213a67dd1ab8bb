package io.quiver.lora.arrow;

import java.util.Arrays;

/**
 * The singular values of a product B·A of low rank, and the unit input that it stretches most.
 *
 * @param sigma singular values, largest first; all zero if the product is zero up to rounding // (min(rank, in, out))
 * @param right top right singular vector, unit length, largest component positive (the first of equals, to 1e-9);
 *     empty if the product is zero // (in)
 */
record LowRankSvd(double[] sigma, double[] right) {
    /*
     * The singular values of B·A and its top right singular vector, without forming the (out, in) product.
     *
     *   Aᵀ = Q_A R_A,  B = Q_B R_B          Householder reflections, R at most rank × rank
     *   C  = R_B R_Aᵀ                       B·A = Q_B C Q_Aᵀ, so C has the same singular values
     *   Zᵀ C = Σ Wᵀ                         one-sided Jacobi on the rows of C (Hestenes 1958)
     *   v  = Q_A w                          w = first row of Wᵀ
     *
     * Gram matrices (BᵀB and an eigenproblem) square the singular values: those below 1e-8 of the largest are lost in them. Here
     * all are right to the rounding of ‖B‖·‖A‖.
     * Plain loops in a fixed order: the same input gives the same bits everywhere.
     */

    /** Rows are orthogonal once their cosine is below this. */
    private static final double ORTHOGONAL = 1e-15;

    /** A row this much shorter than the matrix is zero. */
    private static final double NEGLIGIBLE = 1e-18;

    /** A product this much smaller than its factors is what rounding leaves of zero. */
    private static final double ZERO_PRODUCT = 64 * Math.ulp(1.0);

    /** Magnitudes this close are equal: which of them is larger would be decided by rounding. */
    private static final double EQUAL = 1e-9;

    /** Convergence is quadratic: ten sweeps are many. */
    private static final int SWEEPS_MAX = 60;

    /**
     * Decomposes B·A.
     *
     * @param a row-major // (rank, in)
     * @param b row-major // (out, rank)
     * @throws IllegalArgumentException if an element is not finite
     */
    static LowRankSvd of(double[] a, double[] b, int rank, int in, int out) {
        int aExponent = exponent(a, "A");
        int bExponent = exponent(b, "B");
        int values = Math.min(rank, Math.min(in, out));
        LowRankSvd zero = new LowRankSvd(new double[values], new double[0]);
        if (aExponent == Integer.MIN_VALUE || bExponent == Integer.MIN_VALUE) {
            return zero;
        }
        // Scaled by powers of two, which is exact, so that no square overflows or vanishes.
        Qr qrA = Qr.of(rowsOf(a, rank, in, aExponent));
        Qr qrB = Qr.of(columnsOf(b, out, rank, bExponent));
        double[][] rows = core(qrB, qrA, rank);
        orthogonalise(rows);
        double[] norms = new double[rows.length];
        for (int i = 0; i < rows.length; i++) {
            norms[i] = Math.sqrt(dot(rows[i], rows[i], 0));
        }
        int top = 0;
        for (int i = 1; i < rows.length; i++) {
            top = norms[i] > norms[top] ? i : top;
        }
        if (norms[top] <= ZERO_PRODUCT * qrA.norm() * qrB.norm()) {
            return zero;
        }
        double[] right = qrA.applyQ(scaled(rows[top], 1 / norms[top]), in);
        normalise(right);
        Arrays.sort(norms);
        double[] sigma = new double[values];
        for (int i = 0; i < values; i++) {
            sigma[i] = Math.scalb(norms[norms.length - 1 - i], aExponent + bExponent);
        }
        return new LowRankSvd(sigma, right);
    }

    /** Binary exponent of the largest magnitude; the least int if all elements are zero. */
    private static int exponent(double[] values, String name) {
        double largest = 0;
        for (double value : values) {
            if (!Double.isFinite(value)) {
                throw new IllegalArgumentException(name + " has an element that is not finite");
            }
            largest = Math.max(largest, Math.abs(value));
        }
        return largest == 0 ? Integer.MIN_VALUE : Math.getExponent(largest);
    }

    private static double[][] rowsOf(double[] matrix, int rows, int columns, int exponent) { // (rows, columns)
        double[][] split = new double[rows][columns];
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                split[i][j] = Math.scalb(matrix[i * columns + j], -exponent);
            }
        }
        return split;
    }

    private static double[][] columnsOf(double[] matrix, int rows, int columns, int exponent) { // (columns, rows)
        double[][] split = new double[columns][rows];
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                split[j][i] = Math.scalb(matrix[i * columns + j], -exponent);
            }
        }
        return split;
    }

    /** C = R_B R_Aᵀ. */
    private static double[][] core(Qr qrB, Qr qrA, int rank) { // (kb, ka)
        double[][] core = new double[qrB.size()][qrA.size()];
        for (int i = 0; i < qrB.size(); i++) {
            for (int j = 0; j < qrA.size(); j++) {
                double sum = 0;
                for (int k = Math.max(i, j); k < rank; k++) {
                    sum += qrB.r(i, k) * qrA.r(j, k);
                }
                core[i][j] = sum;
            }
        }
        return core;
    }

    /** Rotates pairs of rows until all are orthogonal. */
    private static void orthogonalise(double[][] rows) { // (n, m)
        double total = 0;
        for (double[] row : rows) {
            total += dot(row, row, 0);
        }
        double negligible = NEGLIGIBLE * NEGLIGIBLE * total;
        for (int sweep = 0; sweep < SWEEPS_MAX; sweep++) {
            boolean rotated = false;
            for (int i = 0; i < rows.length - 1; i++) {
                for (int j = i + 1; j < rows.length; j++) {
                    rotated |= rotate(rows[i], rows[j], negligible);
                }
            }
            if (!rotated) {
                return;
            }
        }
        throw new IllegalStateException("Jacobi rotations did not converge in " + SWEEPS_MAX + " sweeps");
    }

    /** Makes two rows orthogonal; says whether they were not. */
    private static boolean rotate(double[] x, double[] y, double negligible) { // (m), (m)
        double xx = dot(x, x, 0);
        double yy = dot(y, y, 0);
        double xy = dot(x, y, 0);
        if (Math.min(xx, yy) <= negligible || Math.abs(xy) <= ORTHOGONAL * Math.sqrt(xx) * Math.sqrt(yy)) {
            return false;
        }
        double zeta = (yy - xx) / (2 * xy);
        double tangent = Math.copySign(1, zeta) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
        double cosine = 1 / Math.sqrt(1 + tangent * tangent);
        double sine = cosine * tangent;
        for (int k = 0; k < x.length; k++) {
            double old = x[k];
            x[k] = cosine * old - sine * y[k];
            y[k] = sine * old + cosine * y[k];
        }
        return true;
    }

    /** Unit length; the component of largest magnitude, the first of equals, becomes positive. */
    private static void normalise(double[] vector) { // (in)
        double largest = 0;
        for (double component : vector) {
            largest = Math.max(largest, Math.abs(component));
        }
        int decisive = 0;
        while (Math.abs(vector[decisive]) < largest * (1 - EQUAL)) {
            decisive++;
        }
        double factor = Math.copySign(1, vector[decisive]) / Math.sqrt(dot(vector, vector, 0));
        for (int i = 0; i < vector.length; i++) {
            vector[i] = vector[i] * factor + 0.0; // no negative zeros
        }
    }

    private static double[] scaled(double[] vector, double factor) { // (n)
        double[] copy = vector.clone();
        for (int i = 0; i < copy.length; i++) {
            copy[i] *= factor;
        }
        return copy;
    }

    /** Σ x·y from an index on, in four interleaved sums: a fixed order that keeps the processor busy. */
    static double dot(double[] x, double[] y, int from) { // (n), (n)
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        int k = from;
        for (; k + 3 < x.length; k += 4) {
            s0 += x[k] * y[k];
            s1 += x[k + 1] * y[k + 1];
            s2 += x[k + 2] * y[k + 2];
            s3 += x[k + 3] * y[k + 3];
        }
        for (; k < x.length; k++) {
            s0 += x[k] * y[k];
        }
        return (s0 + s1) + (s2 + s3);
    }

    /**
     * M = Q R of a matrix given by its columns: Householder vectors below the diagonal, R above it.
     *
     * @param columns // (n, m)
     * @param diagonal of R // (min(m, n))
     * @param factors 2/|u|² of each Householder vector u, 0 if there is nothing to reflect // (min(m, n))
     */
    private record Qr(double[][] columns, double[] diagonal, double[] factors) {
        /** Decomposes in place. */
        static Qr of(double[][] columns) { // (n, m)
            int size = Math.min(columns.length, columns[0].length);
            double[] diagonal = new double[size];
            double[] factors = new double[size];
            for (int j = 0; j < size; j++) {
                double[] u = columns[j];
                double norm = Math.sqrt(dot(u, u, j));
                if (norm == 0) {
                    continue;
                }
                diagonal[j] = -Math.copySign(norm, u[j]);
                u[j] -= diagonal[j];
                factors[j] = 2 / dot(u, u, j);
                for (int k = j + 1; k < columns.length; k++) {
                    reflect(u, factors[j], columns[k], j);
                }
            }
            return new Qr(columns, diagonal, factors);
        }

        private static void reflect(double[] u, double factor, double[] x, int from) { // (m), (m)
            double step = factor * dot(u, x, from);
            for (int i = from; i < x.length; i++) {
                x[i] -= step * u[i];
            }
        }

        int size() {
            return diagonal.length;
        }

        double r(int row, int column) {
            return row == column ? diagonal[row] : columns[column][row];
        }

        /** Frobenius norm of R, which is that of the matrix. */
        double norm() {
            double sum = 0;
            for (int i = 0; i < size(); i++) {
                for (int j = i; j < columns.length; j++) {
                    sum += r(i, j) * r(i, j);
                }
            }
            return Math.sqrt(sum);
        }

        /** Q w. */
        double[] applyQ(double[] w, int length) { // (size) -> (m)
            double[] x = Arrays.copyOf(w, length);
            for (int j = size() - 1; j >= 0; j--) {
                if (factors[j] != 0) {
                    reflect(columns[j], factors[j], x, j);
                }
            }
            return x;
        }
    }
}
