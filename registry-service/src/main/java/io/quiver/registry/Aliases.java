package io.quiver.registry;

import io.quiver.schemas.AdapterName;
import java.util.Optional;

/** Names for versions that people move. What changes something runs under {@link Adapters#lock}. */
public interface Aliases {
    /**
     * Where an alias points.
     *
     * @param revision another one after every move, never used twice
     */
    record Alias(String alias, int version, long revision) {}

    Optional<Alias> find(AdapterName adapter, String alias);

    /** Points the alias to a version, making it if it is not there. */
    Alias put(AdapterName adapter, String alias, int version);

    void delete(AdapterName adapter, String alias);
}
