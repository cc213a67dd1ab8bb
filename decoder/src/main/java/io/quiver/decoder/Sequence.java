package io.quiver.decoder;

import io.quiver.lora.evidence.ProbePoint;
import java.util.List;

/**
 * The state of one text being decoded: its tokens' keys and values, and the inputs that it keeps. Owned by one caller; not
 * thread-safe.
 */
public interface Sequence extends AutoCloseable {
    /** Tokens fed so far. */
    int length();

    Routing routing();

    /** Points whose inputs it keeps for every token; mostly none. */
    List<ProbePoint> probed();

    /** Bytes of keys, values and kept inputs that it holds; more than its tokens take, since the room for them grows in steps. */
    long cacheBytes();

    /**
     * Gives the experts back and keeps the keys, values and inputs: it cannot be fed any more, but others can begin with it
     * ({@link Decoder#fork}). Freezing twice does nothing.
     */
    void freeze();

    /** Frees the memory. Closing twice does nothing. */
    @Override
    void close();
}
