package io.quiver.worker;

import java.util.Locale;

/** Every reason for which there will be no prototypes; stable, part of public events. */
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
    /** The object store or the disk failed again and again; asking for another computation may help. */
    WORKER_GAVE_UP;

    /** Such as {@code zero_update}. */
    public String code() {
        return name().toLowerCase(Locale.ROOT);
    }
}
