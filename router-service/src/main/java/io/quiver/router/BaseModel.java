package io.quiver.router;

import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.StoredFile;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A base model of the catalogue: what must be fetched to serve it.
 *
 * @param calibration the newest, if it has been calibrated
 */
public record BaseModel(
        BaseModelRef ref, List<StoredFile> files, Instant cataloguedAt, Optional<CalibrationRef> calibration) {
    public BaseModel {
        files = List.copyOf(files);
    }

    public String name() {
        return ref.name();
    }

    public Digest digest() {
        return ref.digest();
    }
}
