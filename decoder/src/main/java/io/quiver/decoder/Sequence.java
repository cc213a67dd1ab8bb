package io.quiver.decoder;

/** The state of one text being decoded: its tokens' keys and values. Owned by one caller; not thread-safe. */
public interface Sequence extends AutoCloseable {
    /** Tokens fed so far. */
    int length();

    Routing routing();

    /** Frees the memory. Closing twice does nothing. */
    @Override
    void close();
}
