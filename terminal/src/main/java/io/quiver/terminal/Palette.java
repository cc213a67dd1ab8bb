package io.quiver.terminal;

/** Colours that can be told apart on dark and on light ground, in the order in which a legend uses them. */
final class Palette {
    /** Indices into the terminal's 256 colours. */
    private static final int[] COLOURS = {39, 208, 41, 170, 178, 203, 73, 141, 112, 174, 67, 137}; // (SIZE)

    /** Things a legend can tell apart. */
    static final int SIZE = COLOURS.length;

    /** From cool to hot: ground and letters, both set, so that they can be read on any terminal. */
    private static final String[] HEAT = { // (steps)
        "48;5;236;38;5;252",
        "48;5;53;38;5;255",
        "48;5;89;38;5;255",
        "48;5;125;38;5;255",
        "48;5;161;38;5;231",
        "48;5;202;38;5;16",
        "48;5;214;38;5;16",
        "48;5;227;38;5;16"
    };

    private Palette() {}

    /** @param fraction 1 for the hottest; clamped */
    static String heat(double fraction) {
        double clamped = Double.isNaN(fraction) ? 0 : Math.max(0, Math.min(1, fraction));
        return HEAT[(int) Math.min(HEAT.length - 1, clamped * HEAT.length)];
    }

    static String code(int legendIndex) {
        return "38;5;" + COLOURS[Math.floorMod(legendIndex, SIZE)];
    }
}
