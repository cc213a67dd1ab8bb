package io.quiver.decoder.torch;

import io.quiver.decoder.Expert;
import java.util.BitSet;

/** An expert in the pools of a decoder. */
final class ResidentExpert implements Expert {
    /** No slot: the zero slot that every pool begins with. */
    static final int NOTHING = 0;

    private final String digest;
    private final ExpertPools pools;
    private final int[] slots; // (points)
    private final BitSet choosable; // (modules)
    private boolean resident = true;

    /**
     * @param slots by point, {@link #NOTHING} where the expert has no module
     * @param choosable modules of the model, counted over all points, that have a prototype
     */
    ResidentExpert(String digest, ExpertPools pools, int[] slots, BitSet choosable) {
        this.digest = digest;
        this.pools = pools;
        this.slots = slots;
        this.choosable = choosable;
    }

    @Override
    public String digest() {
        return digest;
    }

    @Override
    public long residentBytes() {
        return pools.bytes(this);
    }

    int slot(int point) {
        return slots[point];
    }

    boolean choosable(int module) {
        return choosable.get(module);
    }

    boolean residentIn(ExpertPools other) {
        return resident && pools == other;
    }

    void markEvicted() {
        resident = false;
    }
}
