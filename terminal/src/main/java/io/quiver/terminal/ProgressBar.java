package io.quiver.terminal;

import java.time.Duration;
import java.util.function.DoubleFunction;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/**
 * Shows how far something is that has a known length: a bar that is drawn over itself on a terminal, a line every few seconds
 * elsewhere. Thread-safe: it is told by whichever thread does the work.
 */
public final class ProgressBar implements LongConsumer, AutoCloseable {
    private static final long REDRAW_NANOS = 100_000_000L;
    private static final long LINE_NANOS = 5_000_000_000L;
    private static final int BAR_MAX = 30;

    private final Terminal terminal;
    private final String label;
    private final long total;
    private final DoubleFunction<String> quantity;
    private final LongSupplier nanoTime;
    private final long startNanos;
    private long shownNanos;
    private long done;

    /**
     * A transfer of bytes.
     *
     * @param nanoTime a clock in nanoseconds that never goes back, such as {@link System#nanoTime}
     */
    public ProgressBar(Terminal terminal, String label, long totalBytes, LongSupplier nanoTime) {
        this(terminal, label, totalBytes, Quantities::bytes, nanoTime);
    }

    /**
     * Anything that is counted.
     *
     * @param total what it is all done at, in the unit of {@code quantity}
     * @param quantity writes an amount, such as {@link Quantities#bytes} or {@link Quantities#count}
     * @param nanoTime a clock in nanoseconds that never goes back
     */
    public ProgressBar(
            Terminal terminal, String label, long total, DoubleFunction<String> quantity, LongSupplier nanoTime) {
        this.terminal = terminal;
        this.label = label;
        this.total = total;
        this.quantity = quantity;
        this.nanoTime = nanoTime;
        this.startNanos = nanoTime.getAsLong();
        this.shownNanos = startNanos;
    }

    /** Counts what was done; a negative number for what has to be done again. */
    @Override
    public synchronized void accept(long amount) {
        done += amount;
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
            terminal.redraw(bar(elapsed, done));
        } else {
            terminal.out().println(label + "  " + figures(done, elapsed));
        }
    }

    /** One line, narrower than the terminal: label, bar, amounts, rate, time left. */
    String bar(Duration elapsed, long amount) {
        int columns = terminal.columns();
        String figures = figures(amount, elapsed);
        int room = Math.min(BAR_MAX, columns - 1 - label.length() - figures.length() - 6);
        if (room < 5) {
            String line = label + "  " + figures;
            return line.length() < columns ? line : line.substring(0, columns - 1);
        }
        int full = total == 0 ? room : (int) Math.min(room, room * amount / total);
        return label + "  [" + "█".repeat(full) + "░".repeat(room - full) + "]  " + figures;
    }

    private String figures(long amount, Duration elapsed) {
        double seconds = elapsed.toNanos() / 1e9;
        long percent = total == 0 ? 100 : 100 * amount / total;
        String figures = String.format("%3d %%  %s of %s", percent, quantity.apply(amount), quantity.apply(total));
        if (amount == 0 || seconds <= 0) {
            return figures;
        }
        double perSecond = amount / seconds;
        String rate = "  " + quantity.apply(perSecond) + "/s";
        return amount < total
                ? figures + rate + "  " + left((total - amount) / perSecond) + " left"
                : figures + rate + "  in " + Quantities.duration(elapsed);
    }

    private static String left(double seconds) {
        return Quantities.duration(Duration.ofSeconds((long) Math.ceil(seconds)));
    }
}
