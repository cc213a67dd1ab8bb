package io.quiver.router;

import io.quiver.schemas.AdapterName;
import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event.CataloguedVersion;
import io.quiver.schemas.StoredFile;
import java.util.List;

/** A reference after it was resolved: one version of an adapter, which is one content for ever. */
public record PinnedExpert(AdapterName adapter, CataloguedVersion content) implements ExpertContent {
    public int version() {
        return content.version();
    }

    @Override
    public Digest digest() {
        return content.digest();
    }

    public BaseModelRef base() {
        return content.base();
    }

    @Override
    public List<PinnedExpert> adapters() {
        return List.of(this);
    }

    @Override
    public long fileBytes() {
        return content.files().stream().mapToLong(StoredFile::sizeBytes).sum();
    }
}
