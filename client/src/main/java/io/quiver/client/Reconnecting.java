package io.quiver.client;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * What happens between a lost connection and the next attempt.
 *
 * @param attemptsMax attempts in a row that may fail before it is given up
 * @param tell gets a line for people
 */
public record Reconnecting(int attemptsMax, Consumer<String> tell) {
    private static final Duration FIRST = Duration.ofMillis(200);
    private static final Duration LONGEST = Duration.ofSeconds(5);

    /** The pause before an attempt: doubling from 0.2 s to 5 s. */
    static Duration pauseBefore(int attempt) {
        Duration pause = FIRST.multipliedBy(1L << Math.min(attempt - 1, 10));
        return pause.compareTo(LONGEST) < 0 ? pause : LONGEST;
    }

    /** Waits before attempt 1, 2, …; returns false if this thread is interrupted. */
    boolean await(int attempt) {
        try {
            TimeUnit.MILLISECONDS.sleep(pauseBefore(attempt).toMillis());
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
