package io.quiver.lora.evidence;

import java.util.List;
import java.util.OptionalInt;

/**
 * Which expert of a library answers a request, and why.
 *
 * @param readings of every expert, in the order of the library
 * @param examples what the request has of every expert's examples; {@link ExampleComparison#NONE} if they were not compared
 * @param scores what decides: the readings' scores, sharpened by the examples if these were compared // (experts)
 * @param ranking numbers of the experts by score, highest first, at equal scores in the order of the library // (experts)
 * @param threshold which the best expert's {@link #fit} must reach; −∞ takes any
 * @param chosen number of the expert that answers; empty if the base answers alone
 */
public record EvidenceDecision(
        List<EvidenceReading> readings,
        ExampleComparison examples,
        double[] scores,
        int[] ranking,
        double threshold,
        OptionalInt chosen) {
    public EvidenceDecision {
        readings = List.copyOf(readings);
        if (readings.isEmpty()
                || scores.length != readings.size()
                || ranking.length != readings.size()
                || (examples.experts() != 0 && examples.experts() != readings.size())) {
            throw new IllegalArgumentException("a decision has at least one expert, and as many scores as experts");
        }
        if (chosen.isPresent() && chosen.getAsInt() != ranking[0]) {
            throw new IllegalArgumentException("the expert chosen is not the best");
        }
    }

    /** Number of the expert with the highest score, whether it was chosen or not. */
    public int best() {
        return ranking[0];
    }

    /** How well an expert fits: its stand-out, sharpened by its similarity if examples were compared. */
    public double fit(int expert) {
        return ChooseByEvidence.fit(readings, examples, expert);
    }

    /** Number of the expert with the second highest score; empty if the library has one only. */
    public OptionalInt runnerUp() {
        return ranking.length > 1 ? OptionalInt.of(ranking[1]) : OptionalInt.empty();
    }
}
