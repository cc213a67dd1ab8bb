package io.quiver.lora.evidence;

/**
 * How loud one adapter is at one point: s(x) = ‖P(x − μ)‖, which is √Σᵢ ‖ΔWᵢ W (x − μ)‖² over its modules there.
 *
 * @param rank rows of P: the ranks of the modules together
 * @param matrix P, row-major // (rank, in)
 * @param mean m of s over the content tokens of {@code statistics}
 * @param deviation σ of s (n − 1), above 0
 */
public record PointEvidence(ProbePoint point, int rank, double[] matrix, double mean, double deviation) {
    public PointEvidence {
        if (rank < 1 || matrix.length < rank || matrix.length % rank != 0) {
            throw new IllegalArgumentException(
                    "the evidence matrix of " + point + " has " + matrix.length + " elements in " + rank + " rows");
        }
        EvidenceConstants.PointLoudness.check(point, mean, deviation);
    }

    /** Features of an input. */
    public int in() {
        return matrix.length / rank;
    }

    /** The same without the matrix. */
    public EvidenceConstants.PointLoudness loudness() {
        return new EvidenceConstants.PointLoudness(point, mean, deviation);
    }

    /** z = (s − m)/σ. */
    public double score(double loudness) {
        return (loudness - mean) / deviation;
    }
}
