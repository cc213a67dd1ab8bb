package io.quiver.registry;

import io.quiver.objectstore.ObjectStore;
import java.util.UUID;
import java.util.function.Supplier;

/**
 * Where uploads lie on their way in, and how much they may hold.
 *
 * @param ids of uploads, each once
 */
public record UploadStaging(ObjectStore store, UploadLimits limits, Supplier<UUID> ids) {
    /** For the files of one more upload. */
    StagedFiles begin() {
        return StagedFiles.in(store, ids.get());
    }

    /** For the files of an upload that is only looked at. */
    StagedFiles beginDry() {
        return StagedFiles.nowhere(store);
    }
}
