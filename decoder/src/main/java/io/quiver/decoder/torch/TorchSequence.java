package io.quiver.decoder.torch;

import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.lora.evidence.ProbePoint;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A sequence whose keys, values and kept inputs the program holds under a number. */
final class TorchSequence implements Sequence {
    private static final int CAPACITY_STEP = 64;

    private final TorchDecoder decoder;
    private final long id;
    private final Routing routing;
    private final List<ProbePoint> probed;
    private final int tokensMax;
    private @Nullable Table table;
    private volatile int length;
    private volatile int capacity;
    private volatile boolean frozen;
    private volatile boolean closed;

    /**
     * @param tokensMax tokens that it will hold at most
     * @param table of the routing's library, null for the base model alone
     */
    TorchSequence(
            TorchDecoder decoder,
            long id,
            Routing routing,
            List<ProbePoint> probed,
            int tokensMax,
            @Nullable Table table) {
        this.decoder = decoder;
        this.id = id;
        this.routing = routing;
        this.probed = List.copyOf(probed);
        this.tokensMax = tokensMax;
        this.table = table;
    }

    @Override
    public int length() {
        return length;
    }

    @Override
    public Routing routing() {
        return routing;
    }

    @Override
    public List<ProbePoint> probed() {
        return probed;
    }

    @Override
    public long cacheBytes() {
        return decoder.cacheBytes(capacity, probed);
    }

    @Override
    public void freeze() {
        decoder.freeze(this);
    }

    @Override
    public void close() {
        decoder.close(this);
    }

    boolean belongsTo(TorchDecoder other) {
        return decoder == other;
    }

    long id() {
        return id;
    }

    @Nullable
    Table table() {
        return table;
    }

    /** Takes the library away, for whoever gives it back. Guarded by the decoder's lock, as the table is. */
    @Nullable
    Table takeTable() {
        Table taken = table;
        table = null;
        return taken;
    }

    boolean frozen() {
        return frozen;
    }

    void markFrozen() {
        frozen = true;
    }

    boolean closed() {
        return closed;
    }

    int tokensMax() {
        return tokensMax;
    }

    void markClosed() {
        closed = true;
        capacity = 0;
    }

    /** Positions that the cache must have for so many tokens: grown by half, so that copies stay rare. */
    int capacityFor(int tokens) {
        if (tokens <= capacity) {
            return capacity;
        }
        long wanted = Math.max(tokens, capacity + capacity / 2L);
        long rounded = (wanted + CAPACITY_STEP - 1) / CAPACITY_STEP * CAPACITY_STEP;
        return (int) Math.min(rounded, tokensMax);
    }

    int capacity() {
        return capacity;
    }

    void advance(int tokens, int cacheCapacity) {
        length += tokens;
        capacity = cacheCapacity;
    }
}
