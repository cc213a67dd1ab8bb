package io.quiver.lora.routability;

import io.quiver.lora.evidence.EvidenceDecision;
import io.quiver.lora.evidence.EvidenceReading;

/**
 * What every expert of a library makes of one example prompt.
 *
 * @param scores by evidence alone // (experts)
 * @param standOuts // (experts)
 */
public record ExampleReading(double[] scores, double[] standOuts) {
    public ExampleReading {
        if (scores.length == 0 || scores.length != standOuts.length) {
            throw new IllegalArgumentException("an example is read by experts, each with a score and a stand-out: "
                    + scores.length + " and " + standOuts.length);
        }
    }

    /**
     * Of a decision about an example. The similarity with examples is left out, even where it decides: every example is like itself,
     * so that it would say nothing about requests that are not among the examples.
     */
    public static ExampleReading of(EvidenceDecision decision) {
        return new ExampleReading(
                decision.readings().stream().mapToDouble(EvidenceReading::score).toArray(),
                decision.readings().stream()
                        .mapToDouble(EvidenceReading::standOut)
                        .toArray());
    }

    /** Number of the expert with the highest score; of equals the first. */
    int best() {
        int best = 0;
        for (int e = 1; e < scores.length; e++) {
            best = scores[e] > scores[best] ? e : best;
        }
        return best;
    }

    /** Number of the expert that answers; the number of experts if the base does. */
    int chosen(double threshold) {
        return standOuts[best()] >= threshold ? best() : scores.length;
    }

    /** How far one expert's score is above the best of the others', below it if negative; +∞ where there are no others. */
    double margin(int expert) {
        double others = Double.NEGATIVE_INFINITY;
        for (int e = 0; e < scores.length; e++) {
            others = e == expert ? others : Math.max(others, scores[e]);
        }
        return scores[expert] - others;
    }
}
