package io.quiver.registry.jdbc;

import io.quiver.registry.Outbox;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.dao.DataAccessException;

/**
 * A thread that follows the outbox as long as the service runs: it takes a step whenever rows were committed, at the latest
 * after a while. When the database is lost it opens another watch, for ever: an outage only delays.
 */
public final class FollowOutbox implements SmartLifecycle {
    /** What is to be done with a watch; waits on it, for a short time only, when there is nothing to do. */
    public interface Step {
        void run(Outbox.Watch watch) throws InterruptedException;
    }

    private static final Logger LOG = LoggerFactory.getLogger(FollowOutbox.class);
    private static final Duration PAUSE = Duration.ofSeconds(1);

    private final String name;
    private final Outbox outbox;
    private final Step step;
    private volatile boolean running;
    private volatile Thread thread = new Thread();

    public FollowOutbox(String name, Outbox outbox, Step step) {
        this.name = name;
        this.outbox = outbox;
        this.step = step;
    }

    @Override
    public void start() {
        running = true;
        thread = new Thread(this::follow, name);
        thread.setDaemon(true);
        thread.start();
    }

    /** Returns when the step that is being taken has ended. */
    @Override
    public void stop() {
        running = false;
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    private void follow() {
        while (running) {
            try (Outbox.Watch watch = outbox.watch()) {
                while (running) {
                    step.run(watch);
                }
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException e) {
                if (!running) {
                    LOG.debug("{} ends", name, e);
                    return;
                }
                if (e instanceof DataAccessException) {
                    LOG.warn("{} lost the database and tries again: {}", name, e.getMessage());
                } else {
                    LOG.error("{} failed and tries again", name, e);
                }
                pause();
            }
        }
    }

    private void pause() {
        synchronized (this) {
            try {
                if (running) {
                    wait(PAUSE.toMillis());
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
