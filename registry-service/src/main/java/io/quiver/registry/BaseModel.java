package io.quiver.registry;

import io.quiver.lora.model.BaseModules;
import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.StoredFile;
import java.time.Instant;
import java.util.List;

/**
 * A registered base model: adapters are held against its modules, not against its name.
 *
 * @param digest of all of its files
 * @param modules every linear layer with its shape
 * @param calibration what routing by evidence measures its adapters against
 */
public record BaseModel(
        String name,
        Digest digest,
        List<StoredFile> files,
        BaseModules modules,
        Instant registeredAt,
        Calibration calibration) {
    public BaseModel {
        files = List.copyOf(files);
    }

    /** The same model with another calibration. */
    BaseModel with(Calibration another) {
        return new BaseModel(name, digest, files, modules, registeredAt, another);
    }

    public BaseModelRef ref() {
        return new BaseModelRef(name, digest);
    }
}
