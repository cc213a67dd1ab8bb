package io.quiver.lora.evidence;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The eigenvalues and eigenvectors of a symmetric matrix.
 *
 * @param values in no order // (n)
 * @param vectors one a row, orthonormal // (n, n)
 */
record SymmetricEigen(double[] values, double[] vectors) {
    /*
     *   A = Q T Qᵀ     Householder reflections, T tridiagonal
     *   T = R Λ Rᵀ     implicit QL with Wilkinson's shift; R as a list of plane rotations
     *   Vᵀ = Rᵀ Qᵀ     reflections, then rotations, applied to the rows of I
     *
     * (Golub & Van Loan, Matrix Computations, 8.3.) All rotations are known before any is applied, so Vᵀ is made in panels of a
     * few columns that stay in a processor's cache, each on one thread: for n = 1536 that is most of the work. Every sum has a
     * fixed order, whatever the number of threads.
     */

    /** Columns of Vᵀ that are made together: n × 64 numbers stay in the second cache up to n = 1536. */
    private static final int PANEL = 64;

    /** Each eigenvalue takes two steps or so. */
    private static final int STEPS_MAX = 60;

    /**
     * Decomposes a matrix.
     *
     * @param symmetric finite // (n, n)
     * @throws IllegalStateException if the iteration does not converge, which finite input does not cause
     */
    static SymmetricEigen of(double[] symmetric, int n) {
        Tridiagonal tridiagonal = Tridiagonal.of(DenseProducts.rows(symmetric, n, n));
        Rotations rotations = new Rotations(n);
        double[] values = tridiagonal.diagonal.clone();
        diagonalise(values, Arrays.copyOf(tridiagonal.beside, n), rotations);
        double[] vectors = new double[n * n];
        IntStream.range(0, (n + PANEL - 1) / PANEL).parallel().forEach(panel -> {
            int first = panel * PANEL;
            int width = Math.min(PANEL, n - first);
            double[][] rows = new double[n][width];
            for (int j = 0; j < width; j++) {
                rows[first + j][j] = 1;
            }
            tridiagonal.reflect(rows);
            rotations.apply(rows);
            for (int i = 0; i < n; i++) {
                System.arraycopy(rows[i], 0, vectors, i * n + first, width);
            }
        });
        return new SymmetricEigen(values, vectors);
    }

    /**
     * T with what made it.
     *
     * @param diagonal of T // (n)
     * @param beside T(k, k + 1) // (n)
     * @param reflectors u of the reflection I − f·u·uᵀ of step k in row k, from column k + 1 on // (n, n)
     * @param factors f, 0 where there was nothing to reflect // (n)
     */
    private record Tridiagonal(double[] diagonal, double[] beside, double[][] reflectors, double[] factors) {
        /** Decomposes in place: the rows that are done hold the reflectors. */
        static Tridiagonal of(double[][] a) { // (n, n)
            int n = a.length;
            double[] diagonal = new double[n];
            double[] beside = new double[n];
            double[] factors = new double[n];
            double[] w = new double[n];
            for (int k = 0; k < n; k++) {
                double[] u = a[k];
                diagonal[k] = u[k];
                if (k == n - 1) {
                    break;
                }
                double first = u[k + 1];
                double norm = norm(u, k + 1);
                if (k == n - 2 || norm == Math.abs(first)) {
                    beside[k] = first;
                    continue;
                }
                beside[k] = -Math.copySign(norm, first);
                u[k + 1] = first - beside[k];
                // |u|² = 2·norm·(norm + |first|), and f = 2/|u|².
                factors[k] = 1 / (norm * (norm + Math.abs(first)));
                project(a, k, factors[k], w);
                for (int i = k + 1; i < n; i++) {
                    DenseProducts.addTwo(-u[i], w, -w[i], u, a[i], k + 1);
                }
            }
            return new Tridiagonal(diagonal, beside, a, factors);
        }

        /** w = f·A·u − (f²·uᵀA·u/2)·u over what is left of A, so that the reflected A is A − u·wᵀ − w·uᵀ. */
        private static void project(double[][] a, int k, double factor, double[] w) { // (n, n), (n)
            int n = a.length;
            double[] u = a[k];
            Arrays.fill(w, k + 1, n, 0);
            int i = k + 1;
            for (; i + 4 <= n; i += 4) {
                DenseProducts.addFour(
                        factor * u[i],
                        a[i],
                        factor * u[i + 1],
                        a[i + 1],
                        factor * u[i + 2],
                        a[i + 2],
                        factor * u[i + 3],
                        a[i + 3],
                        w,
                        k + 1);
            }
            for (; i < n; i++) {
                DenseProducts.addOne(factor * u[i], a[i], w, k + 1);
            }
            double product = 0;
            for (int j = k + 1; j < n; j++) {
                product += w[j] * u[j];
            }
            DenseProducts.addOne(-0.5 * factor * product, u, w, k + 1);
        }

        private static double norm(double[] a, int from) { // (n)
            double largest = 0;
            for (int i = from; i < a.length; i++) {
                largest = Math.max(largest, Math.abs(a[i]));
            }
            if (largest == 0) {
                return 0;
            }
            double square = 0;
            for (int i = from; i < a.length; i++) {
                square += (a[i] / largest) * (a[i] / largest);
            }
            return largest * Math.sqrt(square);
        }

        /** Multiplies rows by Qᵀ from the left: the first reflection first. */
        void reflect(double[][] rows) { // (n, width)
            int n = diagonal.length;
            double[] products = new double[rows[0].length];
            for (int k = 0; k < n; k++) {
                if (factors[k] == 0) {
                    continue;
                }
                Arrays.fill(products, 0);
                for (int i = k + 1; i < n; i++) {
                    DenseProducts.addOne(factors[k] * reflectors[k][i], rows[i], products, 0);
                }
                for (int i = k + 1; i < n; i++) {
                    DenseProducts.addOne(-reflectors[k][i], products, rows[i], 0);
                }
            }
        }
    }

    /** Diagonalises T; d becomes the eigenvalues. */
    private static void diagonalise(double[] d, double[] e, Rotations rotations) { // (n), (n)
        int n = d.length;
        // Where eigenvalues are zero, as those of few samples are, nothing beside them is small: the whole matrix says
        // what is.
        double rounding = 0.5 * Math.ulp(1.0) * largest(d, e);
        for (int low = 0; low < n; low++) {
            int steps = 0;
            for (int high = split(d, e, low, rounding); high > low; high = split(d, e, low, rounding)) {
                if (++steps > STEPS_MAX) {
                    throw new IllegalStateException("an eigenvalue did not converge in " + STEPS_MAX + " steps");
                }
                step(d, e, low, high, rotations);
            }
        }
    }

    /** The first row from one on that is connected with no further one. */
    private static int split(double[] d, double[] e, int low, double rounding) { // (n), (n)
        int high = low;
        while (high < d.length - 1 && Math.abs(e[high]) > rounding) {
            high++;
        }
        return high;
    }

    /** How large T is: the largest sum of the magnitudes of an element of the diagonal and the one beside it. */
    private static double largest(double[] d, double[] e) { // (n), (n)
        double largest = 0;
        for (int i = 0; i < d.length; i++) {
            largest = Math.max(largest, Math.abs(d[i]) + Math.abs(e[i]));
        }
        return largest;
    }

    /** One implicit QL step on rows low to high. */
    private static void step(double[] d, double[] e, int low, int high, Rotations rotations) { // (n), (n)
        double half = (d[low + 1] - d[low]) / (2 * e[low]);
        double root = Math.sqrt(1 + half * half);
        double g = d[high] - d[low] + e[low] / (half + Math.copySign(root, half));
        double sine = 1;
        double cosine = 1;
        double shifted = 0;
        for (int i = high - 1; i >= low; i--) {
            double f = sine * e[i];
            double b = cosine * e[i];
            double r = Math.hypot(f, g);
            e[i + 1] = r;
            if (r == 0) {
                // The matrix splits here: what is below is done.
                d[i + 1] -= shifted;
                e[high] = 0;
                return;
            }
            sine = f / r;
            cosine = g / r;
            g = d[i + 1] - shifted;
            r = (d[i] - g) * sine + 2 * cosine * b;
            shifted = sine * r;
            d[i + 1] = g + shifted;
            g = cosine * r - b;
            rotations.add(i, cosine, sine);
        }
        d[low] -= shifted;
        e[low] = g;
        e[high] = 0;
    }

    /** Rotations of neighbouring rows, in the order in which they are applied. */
    private static final class Rotations {
        private int[] rows;
        private double[] cosines;
        private double[] sines;
        private int count;

        Rotations(int n) {
            rows = new int[n * 8];
            cosines = new double[n * 8];
            sines = new double[n * 8];
        }

        void add(int row, double cosine, double sine) {
            if (count == rows.length) {
                rows = Arrays.copyOf(rows, 2 * count);
                cosines = Arrays.copyOf(cosines, 2 * count);
                sines = Arrays.copyOf(sines, 2 * count);
            }
            rows[count] = row;
            cosines[count] = cosine;
            sines[count] = sine;
            count++;
        }

        void apply(double[][] panel) { // (n, width)
            double[] spare = new double[panel[0].length];
            for (int k = 0; k < count; k++) {
                double[] upper = panel[rows[k]];
                double[] lower = panel[rows[k] + 1];
                combine(sines[k], upper, cosines[k], lower, spare);
                combineInto(cosines[k], upper, -sines[k], lower);
                panel[rows[k] + 1] = spare;
                spare = lower;
            }
        }

        private static void combine(double a, double[] x, double b, double[] y, double[] sum) { // (width) all
            for (int j = 0; j < sum.length; j++) {
                sum[j] = a * x[j] + b * y[j];
            }
        }

        private static void combineInto(double a, double[] x, double b, double[] y) { // (width) both
            for (int j = 0; j < x.length; j++) {
                x[j] = a * x[j] + b * y[j];
            }
        }
    }
}
