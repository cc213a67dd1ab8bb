package io.quiver.router;

import java.time.Duration;

/** How long texts take, smoothed, to estimate when there is room again. Thread-safe. */
final class TextPace {
    private static final double WEIGHT_OF_NEW = 0.1;
    private static final long SECONDS_MAX = 120;

    private double seconds = 1; // guarded by this
    private boolean measured;

    synchronized void ended(double elapsedSeconds) {
        seconds = measured ? seconds + WEIGHT_OF_NEW * (elapsedSeconds - seconds) : elapsedSeconds;
        measured = true;
    }

    /**
     * When some texts will have ended, in whole seconds, 1 at least and two minutes at most.
     *
     * @param together texts decoded at the same time
     */
    synchronized Duration until(int texts, int together) {
        double wait = Math.ceil(seconds * texts / together);
        return Duration.ofSeconds((long) Math.max(1, Math.min(SECONDS_MAX, wait)));
    }
}
