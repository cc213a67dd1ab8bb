package io.quiver.lora.evidence;

import java.util.Comparator;
import java.util.List;

/**
 * What makes one adapter's response to a request comparable with that of others.
 *
 * @param calibrationDigest {@code sha256:…} of the base calibration that it was measured against; evidence is comparable
 *     only between adapters with the same
 * @param points in order, each once; at least one
 * @param memories one per γ, in order
 * @param outside stand-out on each request of {@code threshold} // (requests)
 */
public record AdapterEvidence(
        String calibrationDigest, List<PointEvidence> points, List<MemoryConstants> memories, double[] outside) {
    public AdapterEvidence {
        points = points.stream()
                .sorted(Comparator.comparing(PointEvidence::point))
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

    /** Bytes of the evidence matrices with elements of that size. */
    public long matrixBytes(int elementBytes) {
        return points.stream()
                .mapToLong(point -> (long) point.matrix().length * elementBytes)
                .sum();
    }
}
