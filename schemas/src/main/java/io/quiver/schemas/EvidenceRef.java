package io.quiver.schemas;

/**
 * A version's evidence against one calibration of its base model.
 *
 * @param calibration what the evidence was measured against, and is worth nothing without
 * @param prototypes the file that carries it, beside the prototypes
 * @param exampleCount uploaded example prompts that its centroids were computed from; 0 if there are none
 */
public record EvidenceRef(CalibrationRef calibration, PrototypeFileRef prototypes, int exampleCount) {
    public EvidenceRef {
        requireCount(exampleCount);
    }

    static void requireCount(int exampleCount) {
        if (exampleCount < 0) {
            throw new IllegalArgumentException("exampleCount must not be negative, but is " + exampleCount);
        }
    }
}
