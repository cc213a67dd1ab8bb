package io.quiver.registry;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.quiver.schemas.AdapterName;
import io.quiver.schemas.AdapterState;
import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.EvidenceRef;
import io.quiver.schemas.PrototypeFileRef;
import io.quiver.schemas.StoredFile;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One version of an adapter as it stands.
 *
 * @param version counts from 1 per adapter, without gaps
 * @param digest of its two files
 * @param worker the one that computes or computed its prototypes
 * @param failure why it is FAILED
 * @param prototypes its newest prototype file once it is READY
 * @param rank the largest rank of its modules once it is READY
 * @param moduleCount modules that it changes, once it is READY
 * @param evidence against calibrations of its base model, newest first, two at most
 * @param examples prompts that it is for, if it came with some
 * @param evidenceFailure why it gets no evidence against the newest calibration
 */
public record AdapterVersion(
        AdapterName adapter,
        int version,
        Digest digest,
        BaseModelRef base,
        List<StoredFile> files,
        AdapterState state,
        @Nullable String worker,
        @Nullable Failure failure,
        @Nullable PrototypeFileRef prototypes,
        @Nullable Integer rank,
        @Nullable Integer moduleCount,
        Instant uploadedAt,
        @Nullable Instant readyAt,
        @JsonInclude(JsonInclude.Include.NON_EMPTY) List<EvidenceRef> evidence,
        @Nullable StoredFile examples,
        @Nullable Failure evidenceFailure) {
    public AdapterVersion {
        files = List.copyOf(files);
        evidence = List.copyOf(evidence);
    }

    /** Says whether requests can be routed to it. */
    public boolean canBeRoutedTo() {
        return state == AdapterState.READY || state == AdapterState.DEPRECATED;
    }
}
