package io.quiver.lora.evidence;

/** The triangular factor of a tall matrix: R of B = Q·R, so that ‖B·v‖ = ‖R·v‖ for every v. By Householder reflections. */
final class TriangularFactor {
    private TriangularFactor() {}

    /**
     * R, row-major, without its zero rows below.
     *
     * @param b row-major // (out, rank)
     * @return // (min(out, rank), rank)
     */
    static double[] of(double[] b, int out, int rank) {
        double[][] columns = new double[rank][out];
        for (int i = 0; i < out; i++) {
            for (int j = 0; j < rank; j++) {
                columns[j][i] = b[i * rank + j];
            }
        }
        int size = Math.min(out, rank);
        double[] r = new double[size * rank];
        for (int k = 0; k < size; k++) {
            double[] u = columns[k];
            double norm = Math.sqrt(dot(u, u, k));
            if (norm > 0) {
                double diagonal = -Math.copySign(norm, u[k]);
                u[k] -= diagonal;
                double factor = 2 / dot(u, u, k);
                for (int j = k + 1; j < rank; j++) {
                    reflect(u, factor, columns[j], k);
                }
                r[k * rank + k] = diagonal;
            }
            for (int j = k + 1; j < rank; j++) {
                r[k * rank + j] = columns[j][k];
            }
        }
        return r;
    }

    private static void reflect(double[] u, double factor, double[] x, int from) { // (out), (out)
        double step = factor * dot(u, x, from);
        for (int i = from; i < x.length; i++) {
            x[i] -= step * u[i];
        }
    }

    private static double dot(double[] x, double[] y, int from) { // (out), (out)
        double sum = 0;
        for (int i = from; i < x.length; i++) {
            sum += x[i] * y[i];
        }
        return sum;
    }
}
