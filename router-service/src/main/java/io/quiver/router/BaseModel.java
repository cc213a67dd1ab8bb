package io.quiver.router;

import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.StoredFile;
import java.time.Instant;
import java.util.List;

/** A base model of the catalogue: what must be fetched to serve it. */
public record BaseModel(BaseModelRef ref, List<StoredFile> files, Instant cataloguedAt) {
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
