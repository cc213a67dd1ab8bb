package io.quiver.terminal;

/** Colours that can be told apart on dark and on light ground, in the order in which a legend uses them. */
final class Palette {
    /** Indices into the terminal's 256 colours. */
    private static final int[] COLOURS = {39, 208, 41, 170, 178, 203, 73, 141, 112, 174, 67, 137}; // (SIZE)

    /** Things a legend can tell apart. */
    static final int SIZE = COLOURS.length;

    private Palette() {}

    static String code(int legendIndex) {
        return "38;5;" + COLOURS[Math.floorMod(legendIndex, SIZE)];
    }
}
