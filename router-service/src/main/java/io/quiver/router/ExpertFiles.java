package io.quiver.router;

import io.quiver.lora.arrow.ModulePrototype;
import java.nio.file.Path;
import java.util.Map;

/**
 * What a decoder needs to make an expert resident.
 *
 * @param folder holds adapter_config.json and adapter_model.safetensors
 * @param prototypes by module path
 */
public record ExpertFiles(Path folder, Map<String, ModulePrototype> prototypes) {
    public ExpertFiles {
        prototypes = Map.copyOf(prototypes);
    }

    /** Where the files of experts come from. */
    @FunctionalInterface
    public interface Source {
        /** Brings the files of one expert, checked against their digests; throws if that cannot be done. */
        ExpertFiles bring(PinnedExpert expert);
    }
}
