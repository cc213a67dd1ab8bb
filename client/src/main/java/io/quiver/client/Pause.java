package io.quiver.client;

import java.time.Duration;

/** Lets time pass before something is tried again. */
@FunctionalInterface
public interface Pause {
    /** The passing of real time. */
    Pause REAL = duration -> Thread.sleep(duration.toMillis());

    void of(Duration duration) throws InterruptedException;
}
