package io.quiver.lora.routability;

import java.util.List;

/**
 * What is known of a library's experts beside each other. Experts are numbered as in the library.
 *
 * @param threshold which the best expert's stand-out must reach
 * @param genericRequests how many requests that belong to nobody the stored values are about
 * @param experts in order, at least one
 * @param chosen how many examples of the expert of a row were given to the expert of a column, in the last column to the base //
 *     (experts, experts + 1)
 * @param correlations of the stand-outs on generic requests // (experts, experts)
 */
public record LibraryRoutability(
        double threshold,
        int genericRequests,
        List<ExpertRoutability> experts,
        int[][] chosen,
        double[][] correlations) {
    public LibraryRoutability {
        experts = List.copyOf(experts);
        if (experts.isEmpty() || chosen.length != experts.size() || correlations.length != experts.size()) {
            throw new IllegalArgumentException("a library has experts, and a row for each of them");
        }
    }

    /** Which part of generic requests an expert stands out on the most, if all are alike. */
    public double fairShare() {
        return 1.0 / experts.size();
    }
}
