package io.quiver.decoder.torch;

import io.quiver.decoder.Expert;
import java.util.BitSet;
import java.util.Map;

/** An expert in the pools of a decoder. */
final class ResidentExpert implements Expert {
    /** No slot: the zero slot that every pool begins with. */
    static final int NOTHING = 0;

    private final String digest;
    private final ExpertPools pools;
    private final int[] slots; // (points)
    private final BitSet choosable; // (modules)
    private final Map<Integer, float[]> gateDirections; // by module, (in) each
    private boolean resident = true;

    /**
     * @param slots by point, {@link #NOTHING} where the expert has no module
     * @param choosable modules of the model, counted over all points, that have a prototype
     * @param gateDirections gate vectors in the form in which they meet a normalised input; mostly none // by module, (in) each
     */
    ResidentExpert(
            String digest, ExpertPools pools, int[] slots, BitSet choosable, Map<Integer, float[]> gateDirections) {
        this.digest = digest;
        this.pools = pools;
        this.slots = slots;
        this.choosable = choosable;
        this.gateDirections = gateDirections;
    }

    @Override
    public String digest() {
        return digest;
    }

    @Override
    public long residentBytes() {
        return pools.bytes(this);
    }

    @Override
    public boolean hasGateVectors() {
        return !gateDirections.isEmpty();
    }

    int slot(int point) {
        return slots[point];
    }

    boolean choosable(int module) {
        return choosable.get(module);
    }

    boolean hasGateVector(int module) {
        return gateDirections.containsKey(module);
    }

    float[] gateDirection(int module) { // (in)
        float[] direction = gateDirections.get(module);
        if (direction == null) {
            throw new IllegalArgumentException("the expert " + digest + " has no gate vector there");
        }
        return direction;
    }

    boolean residentIn(ExpertPools other) {
        return resident && pools == other;
    }

    void markEvicted() {
        resident = false;
    }
}
