package io.quiver.schemas;

/** The Kafka topics. Each has one writer: the registry, or the workers. */
public final class Topics {
    /** Life of adapters and base models, written by the registry: public contract. Key: adapter, or {@code base/<name>}. */
    public static final String ADAPTERS = "quiver.adapters";

    /** What the workers have to say, written by them alone. Key: adapter, or {@code base/<name>}. */
    public static final String PROTOTYPES = "quiver.prototypes";

    /** What can be served now, compacted, written by the registry. Key: adapter, or {@code base/<name>}. */
    public static final String CATALOG = "quiver.catalog";

    /** Records that a consumer could not or would not process; the original topic is in the headers. */
    public static final String DEAD_LETTERS = "quiver.dead-letters";

    private Topics() {}
}
