package io.quiver.worker;

import java.util.Locale;

/** Every reason for which there will be no prototypes, no evidence or no calibration; stable, part of public events. */
public enum FailureCode {
    /** B·A is zero in every module, as in an adapter that was never trained. */
    ZERO_UPDATE,
    /** A weight is NaN or infinite. */
    NOT_FINITE,
    /** The files are no adapter of a kind that Quiver reads. */
    UNREADABLE_ADAPTER,
    /** What lies in the object store is not what was uploaded. */
    DIGEST_MISMATCH,
    /** A file is larger than this worker takes. */
    ADAPTER_TOO_LARGE,
    /** The adapter changes nothing that is looked at, or always the same. */
    NOT_MEASURABLE,
    /** The base model's calibration is gone, broken, too large, or of another base model. */
    CALIBRATION_UNUSABLE,
    /** The example prompts are gone, or too long for the base model. */
    EXAMPLES_UNUSABLE,
    /** The base model needs more memory than this worker has. */
    BASE_MODEL_TOO_LARGE,
    /** The decoder does not know such a base model. */
    BASE_MODEL_UNSUPPORTED,
    /** This worker's machine can run no base model. */
    DECODER_UNAVAILABLE,
    /** The object store or the disk failed again and again; asking for another computation may help. */
    WORKER_GAVE_UP;

    /** Such as {@code zero_update}. */
    public String code() {
        return name().toLowerCase(Locale.ROOT);
    }
}
