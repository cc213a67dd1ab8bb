package io.quiver.lora.evidence;

import java.util.Comparator;
import java.util.List;

/**
 * The numbers that turn one adapter's loudness into evidence that is comparable with that of others: all of an {@link AdapterEvidence}
 * but its matrices, a few kilobytes.
 *
 * @param calibrationDigest {@code sha256:…} of the base calibration that it was measured against; evidence is comparable
 *     only between adapters with the same
 * @param points in order, each once; at least one
 * @param memories one per γ, in order
 * @param outside stand-out on each request of {@code threshold} // (requests)
 */
public record EvidenceConstants(
        String calibrationDigest, List<PointLoudness> points, List<MemoryConstants> memories, double[] outside) {
    public EvidenceConstants {
        points = points.stream()
                .sorted(Comparator.comparing(PointLoudness::point))
                .toList();
        memories = List.copyOf(memories);
        if (points.isEmpty() || memories.isEmpty() || outside.length == 0) {
            throw new IllegalArgumentException("an adapter's evidence has " + points.size() + " points, "
                    + memories.size() + " memories and " + outside.length + " threshold requests");
        }
        for (int i = 1; i < points.size(); i++) {
            if (points.get(i).point().equals(points.get(i - 1).point())) {
                throw new IllegalArgumentException(points.get(i).point() + " stands twice");
            }
        }
        for (int i = 1; i < memories.size(); i++) {
            if (!(memories.get(i).gamma() > memories.get(i - 1).gamma())) {
                throw new IllegalArgumentException("the memories are not in order of γ");
            }
        }
        for (double standOut : outside) {
            if (!Double.isFinite(standOut)) {
                throw new IllegalArgumentException("a stand-out is not finite");
            }
        }
    }

    /**
     * How loud one adapter usually is at one point.
     *
     * @param mean m of s over the content tokens of {@code statistics}, above 0
     * @param deviation σ of s (n − 1), above 0
     */
    public record PointLoudness(ProbePoint point, double mean, double deviation) {
        public PointLoudness {
            check(point, mean, deviation);
        }

        static void check(ProbePoint point, double mean, double deviation) {
            if (!(mean > 0) || !(deviation > 0) || Double.isInfinite(mean) || Double.isInfinite(deviation)) {
                throw new IllegalArgumentException(
                        "the loudness at " + point + " has mean " + mean + " and deviation " + deviation);
            }
        }

        /** z = (s − m)/σ. */
        public double score(double loudness) {
            return (loudness - mean) / deviation;
        }
    }
}
