package io.quiver.lora.evidence;

import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Explains requests by the examples of a whole library: the direction d of a request as a sum of the experts' centroids.
 *
 * <pre>
 * coefficients = (C·Cᵀ + 0.03·I)⁻¹ · C·d        at each point, then the mean over the points
 * </pre>
 *
 * <p>The rows of C are the centroids. These are the coefficients of ridge regression (Hoerl and Kennard 1970): what experts have in
 * common speaks for none of them, only what one has beside the others does. Immutable.
 */
public final class RegressOnExamples {
    /** λ: what keeps the equations solvable where two experts have the same examples. */
    static final double RIDGE = 0.03;

    private final CompareExamples compare;
    private final List<ExampleCentroids> library;
    /** L of C·Cᵀ + λ·I = L·Lᵀ by point, its rows one after the other without what is above the diagonal. // (points) of (experts·(experts + 1)/2) */
    private final SortedMap<ProbePoint, double[]> factors = new TreeMap<>();

    /**
     * Prepares a library: experts² · (features + experts/3) / 2 multiply-adds a point.
     *
     * @param library examples of every expert in order, at least one
     * @throws IllegalArgumentException if they are of different calibrations or points
     */
    public RegressOnExamples(CompareExamples compare, List<ExampleCentroids> library) {
        this.compare = compare;
        this.library = List.copyOf(library);
        if (library.isEmpty()) {
            throw new IllegalArgumentException("a library has at least one expert");
        }
        this.library.forEach(compare::check);
        compare.points().forEach(point -> factors.put(point, factor(point)));
    }

    private double[] centroid(int expert, ProbePoint point) { // (in)
        return Objects.requireNonNull(library.get(expert).centroids().get(point));
    }

    /** The Cholesky factor of C·Cᵀ + λ·I, row by row. What is under the root stays near λ or above: rounding takes away far less. */
    private double[] factor(ProbePoint point) {
        int experts = library.size();
        double[] l = new double[experts * (experts + 1) / 2];
        for (int i = 0; i < experts; i++) {
            int row = start(i);
            for (int j = 0; j <= i; j++) {
                int other = start(j);
                double rest = CompareExamples.dot(centroid(i, point), centroid(j, point));
                for (int k = 0; k < j; k++) {
                    rest -= l[row + k] * l[other + k];
                }
                l[row + j] = i == j ? Math.sqrt(rest + RIDGE) : rest / l[other + j];
            }
        }
        return l;
    }

    /** Where a row of a factor begins. */
    private static int start(int row) {
        return row * (row + 1) / 2;
    }

    /**
     * Compares a request with all examples.
     *
     * @param directions of the request, from {@link CompareExamples#directions} // (points) of (in)
     * @throws IllegalArgumentException if they are of other points than the examples
     */
    public ExampleComparison compare(SortedMap<ProbePoint, double[]> directions) {
        double[] similarities = new double[library.size()];
        double[] coefficients = new double[library.size()];
        for (int e = 0; e < similarities.length; e++) {
            similarities[e] = compare.similarity(library.get(e), directions);
        }
        factors.forEach((point, factor) -> {
            double[] direction = Objects.requireNonNull(directions.get(point));
            double[] solved = new double[coefficients.length];
            for (int e = 0; e < solved.length; e++) {
                solved[e] = CompareExamples.dot(centroid(e, point), direction);
            }
            solve(factor, solved);
            for (int e = 0; e < solved.length; e++) {
                coefficients[e] += solved[e] / factors.size();
            }
        });
        return new ExampleComparison(similarities, coefficients);
    }

    /** Solves L·Lᵀ·x = b in place, forwards and backwards. */
    private static void solve(double[] l, double[] x) { // (experts·(experts + 1)/2), (experts)
        for (int i = 0; i < x.length; i++) {
            for (int k = 0; k < i; k++) {
                x[i] -= l[start(i) + k] * x[k];
            }
            x[i] /= l[start(i) + i];
        }
        for (int i = x.length - 1; i >= 0; i--) {
            x[i] /= l[start(i) + i];
            for (int k = 0; k < i; k++) {
                x[k] -= l[start(i) + k] * x[i];
            }
        }
    }
}
