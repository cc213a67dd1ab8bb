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
        memories = constants(calibrationDigest, points, memories, outside).memories();
    }

    /** All but the matrices, for whoever has these elsewhere; checks that the parts fit together. */
    public EvidenceConstants constants() {
        return constants(calibrationDigest, points, memories, outside);
    }

    private static EvidenceConstants constants(
            String calibrationDigest, List<PointEvidence> points, List<MemoryConstants> memories, double[] outside) {
        return new EvidenceConstants(
                calibrationDigest, points.stream().map(PointEvidence::loudness).toList(), memories, outside);
    }

    /** Bytes of the evidence matrices with elements of that size. */
    public long matrixBytes(int elementBytes) {
        return points.stream()
                .mapToLong(point -> (long) point.matrix().length * elementBytes)
                .sum();
    }
}
