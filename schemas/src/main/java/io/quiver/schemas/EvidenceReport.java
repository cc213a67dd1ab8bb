package io.quiver.schemas;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

/**
 * What became of the evidence that a worker was asked for together with the prototypes.
 *
 * @param calibration digest of the calibration that it was to be measured against
 * @param exampleCount example prompts that its centroids were computed from; 0 if there are none
 * @param failureCode why the file carries none, stable and lower case; null if it does
 * @param failureMessage the same for people; null if it does
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record EvidenceReport(
        Digest calibration,
        int exampleCount,
        @Nullable String failureCode,
        @Nullable String failureMessage) {
    public EvidenceReport {
        EvidenceRef.requireCount(exampleCount);
        if ((failureCode == null) != (failureMessage == null)) {
            throw new IllegalArgumentException("a failure has a code and a message");
        }
    }

    /** The file carries evidence. */
    public static EvidenceReport carried(Digest calibration, int exampleCount) {
        return new EvidenceReport(calibration, exampleCount, null, null);
    }

    /** The file carries none, and will not by trying again. */
    public static EvidenceReport failed(Digest calibration, String code, String message) {
        return new EvidenceReport(calibration, 0, code, message);
    }
}
