package io.quiver.client;

import java.time.Duration;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Repeats requests that a service refuses for the moment, after the time that it asks for. All requests that go through one object wait
 * when one of them is told to: a full queue is full for all. Thread-safe.
 */
public final class RetryWhenAsked {
    private static final Duration PAUSE_MAX = Duration.ofMinutes(1);

    private final int attemptsMax;
    private final Pause pause;
    private final LongSupplier nanoTime;
    private long notBeforeNanos;

    /**
     * Retries with real or with other time.
     *
     * @param attemptsMax for one request, the first included; the last refusal is thrown
     * @param nanoTime a clock in nanoseconds that never goes back
     */
    public RetryWhenAsked(int attemptsMax, Pause pause, LongSupplier nanoTime) {
        if (attemptsMax < 1) {
            throw new IllegalArgumentException(attemptsMax + " attempts: there must be one at least");
        }
        this.attemptsMax = attemptsMax;
        this.pause = pause;
        this.nanoTime = nanoTime;
        this.notBeforeNanos = nanoTime.getAsLong();
    }

    /**
     * The answer of the first attempt that is not refused for the moment.
     *
     * @throws RefusedException the service's refusal, if it says nothing of coming back, or of the last attempt
     * @throws InterruptedException if the thread is interrupted while it waits
     */
    public <T> T call(Supplier<T> request) throws InterruptedException {
        for (int attempt = 1; ; attempt++) {
            awaitTurn();
            try {
                return request.get();
            } catch (RefusedException e) {
                Optional<Duration> after = e.retryAfter();
                if (after.isEmpty() || attempt >= attemptsMax) {
                    throw e;
                }
                postpone(after.get());
            }
        }
    }

    private void awaitTurn() throws InterruptedException {
        for (Duration left = untilTurn(); left.toNanos() > 0; left = untilTurn()) {
            pause.of(left);
        }
    }

    private synchronized Duration untilTurn() {
        return Duration.ofNanos(notBeforeNanos - nanoTime.getAsLong());
    }

    private synchronized void postpone(Duration after) {
        long nanos = (after.compareTo(PAUSE_MAX) < 0 ? after : PAUSE_MAX).toNanos();
        long then = nanoTime.getAsLong() + nanos;
        notBeforeNanos = then - notBeforeNanos > 0 ? then : notBeforeNanos;
    }
}
