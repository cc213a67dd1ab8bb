package io.quiver.lora.arrow;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Adds the updates of weighted experts to a linear layer's output, in plain loops and double precision: the reference. */
public final class MixExperts {
    private MixExperts() {}

    /**
     * The update of one expert at one module.
     *
     * @param a // (rank, in)
     * @param b // (out, rank)
     * @param scaling s
     */
    public record Update(double[][] a, double[][] b, double scaling) {
        public Update {
            if (a.length == 0 || b.length == 0 || b[0].length != a.length) {
                throw new IllegalArgumentException("A (rank, in) and B (out, rank) must have one rank");
            }
        }
    }

    /**
     * y = Wx + Σ wₑ sₑ Bₑ(Aₑ x): the outputs of the experts are mixed, as in PEFT.
     *
     * @param w weights of the linear layer // (out, in)
     * @param x its input // (in)
     * @param updates null for an expert that lacks the module // (experts)
     * @param coefficients w of each expert // (experts)
     * @return y // (out)
     */
    public static double[] outputs(double[][] w, double[] x, List<@Nullable Update> updates, double[] coefficients) {
        double[] y = times(w, x);
        for (int e = 0; e < coefficients.length; e++) {
            Update update = updates.get(e);
            if (update != null) {
                addTo(y, times(update.b(), times(update.a(), x)), coefficients[e] * update.scaling());
            }
        }
        return y;
    }

    /**
     * y = Wx + (Σ wₑ sₑ Bₑ)(Σ wₑ Aₑ) x: the factors of the experts are mixed, as mttl does by default; cross terms between
     * experts appear. The scale goes with B. Factors of lower rank are filled up with zeros.
     *
     * @param w weights of the linear layer // (out, in)
     * @param x its input // (in)
     * @param updates null for an expert that lacks the module // (experts)
     * @param coefficients w of each expert // (experts)
     * @return y // (out)
     */
    public static double[] factors(double[][] w, double[] x, List<@Nullable Update> updates, double[] coefficients) {
        int rank = 0;
        for (Update update : updates) {
            rank = Math.max(rank, update == null ? 0 : update.a().length);
        }
        double[] mixedAx = new double[rank];
        for (int e = 0; e < coefficients.length; e++) {
            Update update = updates.get(e);
            if (update != null) {
                addTo(mixedAx, times(update.a(), x), coefficients[e]);
            }
        }
        double[] y = times(w, x);
        for (int e = 0; e < coefficients.length; e++) {
            Update update = updates.get(e);
            if (update != null) {
                addTo(y, times(update.b(), mixedAx), coefficients[e] * update.scaling());
            }
        }
        return y;
    }

    /** Matrix times vector; a vector longer than the rows counts as far as they reach. */
    private static double[] times(double[][] matrix, double[] vector) { // (m, n), (≥ n) -> (m)
        double[] product = new double[matrix.length];
        for (int i = 0; i < matrix.length; i++) {
            for (int j = 0; j < matrix[i].length; j++) {
                product[i] += matrix[i][j] * vector[j];
            }
        }
        return product;
    }

    private static void addTo(double[] sum, double[] vector, double factor) { // (≥ n), (n)
        for (int i = 0; i < vector.length; i++) {
            sum[i] += factor * vector[i];
        }
    }
}
