package io.quiver.decoder;

/** The state of one text being decoded: its tokens' keys and values. Owned by one caller; not thread-safe. */
public interface Sequence extends AutoCloseable {
    /** Tokens fed so far. */
    int length();

    Routing routing();

    /** Bytes of keys and values that it holds; more than its tokens take, since the room for them grows in steps. */
    long cacheBytes();

    /**
     * Gives the experts back and keeps the keys and values: it cannot be fed any more, but others can begin with it
     * ({@link Decoder#fork}). Freezing twice does nothing.
     */
    void freeze();

    /** Frees the memory. Closing twice does nothing. */
    @Override
    void close();
}
