package io.quiver.terminal;

import java.time.Duration;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/**
 * Shows how far a transfer is: a bar that is drawn over itself on a terminal, a line every few seconds elsewhere.
 * Thread-safe: bytes are counted by whichever thread moves them.
 */
public final class ProgressBar implements LongConsumer, AutoCloseable {
    private static final long REDRAW_NANOS = 100_000_000L;
    private static final long LINE_NANOS = 5_000_000_000L;
    private static final int BAR_MAX = 30;

    private final Terminal terminal;
    private final String label;
    private final long totalBytes;
    private final LongSupplier nanoTime;
    private final long startNanos;
    private long shownNanos;
    private long doneBytes;

    /** @param nanoTime a clock in nanoseconds that never goes back, such as {@link System#nanoTime} */
    public ProgressBar(Terminal terminal, String label, long totalBytes, LongSupplier nanoTime) {
        this.terminal = terminal;
        this.label = label;
        this.totalBytes = totalBytes;
        this.nanoTime = nanoTime;
        this.startNanos = nanoTime.getAsLong();
        this.shownNanos = startNanos;
    }

    /** Counts bytes that were moved; a negative number for those that have to move again. */
    @Override
    public synchronized void accept(long bytes) {
        doneBytes += bytes;
        long now = nanoTime.getAsLong();
        if (now - shownNanos >= (terminal.interactive() ? REDRAW_NANOS : LINE_NANOS)) {
            shownNanos = now;
            show(now);
        }
    }

    /** Shows the final state and ends the line. */
    @Override
    public synchronized void close() {
        show(nanoTime.getAsLong());
        if (terminal.interactive()) {
            terminal.out().println();
        }
    }

    private void show(long now) {
        Duration elapsed = Duration.ofNanos(now - startNanos);
        if (terminal.interactive()) {
            terminal.redraw(bar(label, doneBytes, totalBytes, elapsed, terminal.columns()));
        } else {
            terminal.out().println(label + "  " + figures(doneBytes, totalBytes, elapsed));
        }
    }

    /** One line, at most {@code columns} wide: label, bar, bytes, rate, time left. */
    static String bar(String label, long doneBytes, long totalBytes, Duration elapsed, int columns) {
        String figures = figures(doneBytes, totalBytes, elapsed);
        int room = Math.min(BAR_MAX, columns - 1 - label.length() - figures.length() - 6);
        if (room < 5) {
            String line = label + "  " + figures;
            return line.length() < columns ? line : line.substring(0, columns - 1);
        }
        int full = totalBytes == 0 ? room : (int) Math.min(room, room * doneBytes / totalBytes);
        return label + "  [" + "█".repeat(full) + "░".repeat(room - full) + "]  " + figures;
    }

    private static String figures(long doneBytes, long totalBytes, Duration elapsed) {
        double seconds = elapsed.toNanos() / 1e9;
        long percent = totalBytes == 0 ? 100 : 100 * doneBytes / totalBytes;
        String figures =
                String.format("%3d %%  %s of %s", percent, Quantities.bytes(doneBytes), Quantities.bytes(totalBytes));
        if (doneBytes == 0 || seconds <= 0) {
            return figures;
        }
        double bytesPerSecond = doneBytes / seconds;
        String rate = "  " + Quantities.bytes(bytesPerSecond) + "/s";
        return doneBytes < totalBytes
                ? figures + rate + "  " + left((totalBytes - doneBytes) / bytesPerSecond) + " left"
                : figures + rate + "  in " + Quantities.duration(elapsed);
    }

    private static String left(double seconds) {
        return Quantities.duration(Duration.ofSeconds((long) Math.ceil(seconds)));
    }
}
