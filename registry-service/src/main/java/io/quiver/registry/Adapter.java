package io.quiver.registry;

import io.quiver.schemas.AdapterName;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An adapter over all of its versions.
 *
 * @param aliases alias to version number
 * @param latest the newest version that is READY; null if none is
 * @param newest the newest version, whatever its state; null if there is none
 */
public record Adapter(
        AdapterName adapter,
        Map<String, String> labels,
        Map<String, Integer> aliases,
        @Nullable Integer latest,
        @Nullable AdapterVersion newest,
        Instant createdAt) {
    public Adapter {
        labels = Map.copyOf(labels);
        aliases = Map.copyOf(aliases);
    }
}
