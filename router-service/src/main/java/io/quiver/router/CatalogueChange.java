package io.quiver.router;

import io.quiver.schemas.Event;
import java.time.Instant;

/** What one record of the catalogue topic does. */
public sealed interface CatalogueChange {
    /** The newest truth about its key: {@link Event.AdapterCatalogued} or {@link Event.BaseModelCatalogued}. */
    record Replaced(Event event, Instant time) implements CatalogueChange {}

    /** The key is gone: a tombstone. */
    record Removed(String key) implements CatalogueChange {}
}
