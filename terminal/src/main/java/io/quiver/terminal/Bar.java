package io.quiver.terminal;

/** A horizontal bar of eighths of a character. */
public final class Bar {
    private static final String EIGHTHS = " ▏▎▍▌▋▊▉";

    private Bar() {}

    /**
     * The bar of a value, padded to the full width.
     *
     * @param fraction 0 empty, 1 full; clamped
     * @param columns width of the full bar
     */
    public static String of(double fraction, int columns) {
        double clamped = Double.isNaN(fraction) ? 0 : Math.max(0, Math.min(1, fraction));
        int eighths = (int) Math.round(clamped * columns * 8);
        StringBuilder bar = new StringBuilder("█".repeat(eighths / 8));
        if (eighths % 8 > 0) {
            bar.append(EIGHTHS.charAt(eighths % 8));
        }
        return bar.append(" ".repeat(columns - bar.length())).toString();
    }
}
