package io.quiver.router;

import io.quiver.lora.arrow.ModulePrototype;
import java.nio.file.Path;
import java.util.Map;

/**
 * What a decoder needs to make an expert resident. Closing says that the files are not needed any more.
 *
 * @param folder holds adapter_config.json and adapter_model.safetensors
 * @param prototypes by module path
 * @param held what keeps the files there
 */
public record ExpertFiles(Path folder, Map<String, ModulePrototype> prototypes, ContentCache.Hold held)
        implements AutoCloseable {
    public ExpertFiles {
        prototypes = Map.copyOf(prototypes);
    }

    @Override
    public void close() {
        held.close();
    }

    /** Where the files of experts come from. */
    @FunctionalInterface
    public interface Source {
        /** Brings the files of one expert, checked against their digests; throws if that cannot be done. */
        ExpertFiles bring(PinnedExpert expert);
    }
}
