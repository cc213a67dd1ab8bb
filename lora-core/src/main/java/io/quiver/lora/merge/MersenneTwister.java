package io.quiver.lora.merge;

/**
 * MT19937 (Matsumoto and Nishimura 1998), the generator of torch on the CPU, so that a seed drops the entries here that it
 * drops there. Not thread-safe.
 */
final class MersenneTwister {
    private static final int SIZE = 624;
    private static final int SHIFT = 397;
    private static final int TWIST = 0x9908b0df;
    private static final int UPPER = 0x80000000;
    private static final int FLOAT_BITS = 24;

    private final int[] state = new int[SIZE];
    private int next = SIZE;

    /** @param seed its lower 32 bits count, as in {@code torch.manual_seed} */
    MersenneTwister(long seed) {
        state[0] = (int) seed;
        for (int i = 1; i < SIZE; i++) {
            state[i] = 1812433253 * (state[i - 1] ^ (state[i - 1] >>> 30)) + i;
        }
    }

    /** 32 random bits. */
    int bits() {
        if (next == SIZE) {
            twist();
            next = 0;
        }
        int y = state[next++];
        y ^= y >>> 11;
        y ^= (y << 7) & 0x9d2c5680;
        y ^= (y << 15) & 0xefc60000;
        return y ^ (y >>> 18);
    }

    private void twist() {
        for (int i = 0; i < SIZE; i++) {
            int y = (state[i] & UPPER) | (state[(i + 1) % SIZE] & ~UPPER);
            state[i] = state[(i + SHIFT) % SIZE] ^ (y >>> 1) ^ ((y & 1) == 0 ? 0 : TWIST);
        }
    }

    /** A number from 0 to below 1 with 24 bits, as torch draws single precision. */
    float uniform() {
        return (bits() & ((1 << FLOAT_BITS) - 1)) * 0x1p-24f;
    }
}
