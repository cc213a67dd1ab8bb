package io.quiver.decoder;

import java.util.random.RandomGenerator;

/** Draws one of several things, each as often as its weight says. */
public final class DrawByWeight {
    private DrawByWeight() {}

    /**
     * Draws with one number from the generator.
     *
     * @param weights none negative, one at least above 0 // (things)
     * @param sum of all weights, added in their order
     * @return its place among the weights; never of one that is 0
     */
    public static int draw(double[] weights, double sum, RandomGenerator random) {
        double target = random.nextDouble() * sum;
        int last = 0;
        for (int i = 0; i < weights.length; i++) {
            if (weights[i] > 0) {
                last = i;
                target -= weights[i];
                if (target < 0) {
                    return i;
                }
            }
        }
        // Rounding can leave a rest: it belongs to the last one that can be drawn.
        return last;
    }
}
