package io.quiver.lora.evidence;

import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * The directions in which rows vary most, without their covariance: by subspace iteration from a seed (Halko, Martinsson and
 * Tropp 2011, randomised range finder with power iterations), so that rows of many features take time and memory in proportion.
 *
 * @param variances λ of C, largest first // (rank)
 * @param vectors orthonormal, one a row // (rank, in)
 */
record LargestDirections(double[] variances, double[][] vectors) {
    /** Directions that are followed beside the wanted ones: the wanted converge faster. */
    private static final int SPARE = 32;

    /** Each multiplies the error by the ratio of a variance that is not followed to a wanted one. */
    private static final int ITERATIONS = 4;

    /** Part of the largest square length below which a direction is what rounding left. */
    private static final double NEGLIGIBLE = 1e-14;

    /**
     * Finds them.
     *
     * @param rows centred // (n, in)
     * @param rankMax so many at most; fewer if the rows do not vary in more
     */
    static LargestDirections of(double[][] rows, int rankMax, long seed) {
        int in = rows[0].length;
        int followed = Math.min(Math.min(in, rows.length), rankMax + SPARE);
        Random random = new Random(seed);
        double[][] directions = new double[followed][in];
        for (double[] direction : directions) { // (in)
            for (int i = 0; i < in; i++) {
                direction[i] = random.nextGaussian();
            }
        }
        double[][] columns = DenseProducts.transposed(rows); // (in, n)
        for (int iteration = 0; iteration < ITERATIONS; iteration++) {
            directions = orthonormal(directions);
            directions = DenseProducts.product(DenseProducts.product(directions, columns), rows);
        }
        directions = orthonormal(directions);
        double[][] shares = DenseProducts.product(directions, columns); // (followed, n)
        SymmetricEigen eigen = gram(shares);
        int[] order = descending(eigen.values());
        int rank = Math.min(rankMax, order.length);
        double[] variances = new double[rank];
        double[][] turns = new double[rank][];
        for (int k = 0; k < rank; k++) {
            variances[k] = Math.max(0, eigen.values()[order[k]]) / rows.length;
            turns[k] = row(eigen, order[k]);
        }
        return new LargestDirections(variances, DenseProducts.product(turns, directions));
    }

    /** Rows of length one at right angles that span the same, without those that rounding left. */
    private static double[][] orthonormal(double[][] rows) { // (m, in) -> (at most m, in)
        double[][] found = halfOrthonormal(rows);
        // Once more: what the first time left of an angle, the second takes away.
        return halfOrthonormal(found);
    }

    private static double[][] halfOrthonormal(double[][] rows) { // (m, in) -> (at most m, in)
        SymmetricEigen eigen = gram(rows);
        int[] order = descending(eigen.values());
        int kept = 0;
        while (kept < order.length && eigen.values()[order[kept]] > NEGLIGIBLE * eigen.values()[order[0]]) {
            kept++;
        }
        double[][] turns = new double[kept][];
        for (int k = 0; k < kept; k++) {
            turns[k] = row(eigen, order[k]);
            double length = Math.sqrt(eigen.values()[order[k]]);
            for (int i = 0; i < turns[k].length; i++) {
                turns[k][i] /= length;
            }
        }
        return DenseProducts.product(turns, rows);
    }

    private static SymmetricEigen gram(double[][] rows) { // (m, n)
        double[][] product = DenseProducts.product(rows, DenseProducts.transposed(rows));
        int m = rows.length;
        double[] gram = new double[m * m];
        for (int i = 0; i < m; i++) {
            for (int j = i; j < m; j++) {
                gram[i * m + j] = product[i][j];
                gram[j * m + i] = product[i][j];
            }
        }
        return SymmetricEigen.of(gram, m);
    }

    private static double[] row(SymmetricEigen eigen, int number) { // (m)
        int m = eigen.values().length;
        double[] row = new double[m];
        System.arraycopy(eigen.vectors(), number * m, row, 0, m);
        return row;
    }

    private static int[] descending(double[] values) { // (m) -> (m)
        return IntStream.range(0, values.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -values[i]))
                .mapToInt(Integer::intValue)
                .toArray();
    }
}
