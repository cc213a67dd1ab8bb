package io.quiver.lora.gate;

import io.quiver.lora.arrow.ArrowGate;
import io.quiver.lora.arrow.MixExperts.Update;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The scores that the gates beside Arrow give to the experts of one module for one token, in plain loops and double precision:
 * the reference for faster code. An expert that cannot be chosen scores NaN.
 */
public final class GateScores {
    private GateScores() {}

    /**
     * SpectR (Fleshman and Van Durme 2025): ‖ΔWₑ x‖, how much the expert would change the output. The paper writes
     * BA = UΣVᵀ and takes ‖ΣVᵀx‖, which is the same since U's columns are orthonormal. The scale of ΔW counts here, so that
     * the score depends on what the expert does and not on how alpha and B share it.
     *
     * @param x input of the module // (in)
     * @param updates null for an expert that lacks the module // (experts)
     * @return // (experts)
     */
    public static double[] spectr(double[] x, List<@Nullable Update> updates) {
        double[] scores = new double[updates.size()];
        for (int e = 0; e < scores.length; e++) {
            Update update = updates.get(e);
            scores[e] = update == null ? Double.NaN : update.scaling() * norm(times(update.b(), times(update.a(), x)));
        }
        return scores;
    }

    /**
     * LAG (Fleshman and Van Durme 2025, LoRA-augmented generation): Arrow keeps the candidates with the largest |x·pₑ|,
     * SpectR scores those.
     *
     * @param prototypes null for an expert that lacks the module // (experts) of (in)
     * @param candidates how many Arrow keeps, at least 1
     * @return SpectR's scores of the candidates, NaN for the others // (experts)
     */
    public static double[] lag(
            double[] x, List<double @Nullable []> prototypes, List<@Nullable Update> updates, int candidates) {
        double[] arrow = ArrowGate.scores(x, prototypes);
        double[] scores = spectr(x, updates);
        for (int e = 0; e < scores.length; e++) {
            if (!isAmong(arrow, e, candidates)) {
                scores[e] = Double.NaN;
            }
        }
        return scores;
    }

    /** Whether an expert's score is one of the largest; of equal scores the expert that comes first counts as larger. */
    private static boolean isAmong(double[] scores, int expert, int count) {
        if (scores[expert] < 0) {
            return false;
        }
        int larger = 0;
        for (int e = 0; e < scores.length; e++) {
            larger += scores[e] > scores[expert] || (scores[e] == scores[expert] && e < expert) ? 1 : 0;
        }
        return larger < count;
    }

    /**
     * PHATGOOSE (Muqeeth et al. 2024): LN(x)·LN(vₑ) / √in, where v was trained as output × σ(v·x) with the expert frozen and
     * LN is a layer norm without weights.
     *
     * @param vectors v of each expert, null where it has none // (experts) of (in)
     * @return // (experts)
     */
    public static double[] phatgoose(double[] x, List<double @Nullable []> vectors) {
        double[] normalised = InputNorm.LAYER_NORM.of(x);
        double[] scores = new double[vectors.size()];
        for (int e = 0; e < scores.length; e++) {
            double[] vector = vectors.get(e);
            scores[e] = vector == null ? Double.NaN : dot(normalised, direction(vector));
        }
        return scores;
    }

    /** LN(v)/√in: what a gate vector comes to in {@link #phatgoose}. */
    public static double[] direction(double[] vector) { // (in) -> (in)
        double[] direction = InputNorm.LAYER_NORM.of(vector);
        double root = Math.sqrt(vector.length);
        for (int i = 0; i < direction.length; i++) {
            direction[i] /= root;
        }
        return direction;
    }

    private static double dot(double[] x, double[] y) { // (n), (n)
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            sum += x[i] * y[i];
        }
        return sum;
    }

    private static double norm(double[] x) { // (n)
        return Math.sqrt(dot(x, x));
    }

    private static double[] times(double[][] matrix, double[] vector) { // (m, n), (n) -> (m)
        double[] product = new double[matrix.length];
        for (int i = 0; i < matrix.length; i++) {
            product[i] = dot(matrix[i], vector);
        }
        return product;
    }
}
