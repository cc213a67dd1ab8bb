package io.quiver.registry.web;

import io.quiver.registry.Outbox;
import io.quiver.registry.ProblemCode;
import io.quiver.registry.RegistryException;
import io.quiver.registry.jdbc.FollowOutbox;
import io.quiver.schemas.EventType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.dao.DataAccessException;
import org.springframework.http.MediaType;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Feeds subscribers with the outbox, by server-sent events. Each subscriber reads the outbox itself, from where it stands, as
 * fast as its connection takes it: nothing is queued, nothing is missed, and a slow one holds up nobody. One thread hears of
 * new rows and wakes them all. Thread-safe.
 */
public final class EventFeed implements FollowOutbox.Step, SmartLifecycle {
    private static final Logger LOG = LoggerFactory.getLogger(EventFeed.class);
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final Duration POLL = Duration.ofSeconds(1);
    private static final int BATCH_ROWS = 100;
    private static final long NO_TIMEOUT = 0;
    private static final MediaType TEXT = new MediaType(MediaType.TEXT_PLAIN, StandardCharsets.UTF_8);

    private final Outbox outbox;
    private final Duration heartbeat;
    private final Semaphore seats;
    private final ExecutorService threads = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "event-subscriber");
        thread.setDaemon(true);
        return thread;
    });

    /** Guards {@code head} and {@code running}; subscribers wait on it. */
    private final Object news = new Object();

    private long head;
    private boolean running;

    public EventFeed(Outbox outbox, Duration heartbeat, int subscribersMax) {
        this.outbox = outbox;
        this.heartbeat = heartbeat;
        this.seats = new Semaphore(subscribersMax);
    }

    /** What stands in {@code data:}. */
    private record Envelope(String id, Instant time, String type, String subject, JsonNode data) {}

    /**
     * Begins to feed a subscriber with the events behind {@code afterId}.
     *
     * @throws RegistryException if there are too many subscribers
     */
    SseEmitter subscribe(long afterId, Outbox.Filter filter) {
        if (!seats.tryAcquire()) {
            throw new RegistryException(
                    ProblemCode.SUBSCRIBERS_EXHAUSTED, "no more subscribers can be served, try again later");
        }
        Subscriber subscriber = new Subscriber(new SseEmitter(NO_TIMEOUT), afterId, filter);
        threads.execute(subscriber::feed);
        return subscriber.emitter;
    }

    /** Hears of new rows. */
    @Override
    public void run(Outbox.Watch watch) {
        long newHead = outbox.head();
        synchronized (news) {
            if (newHead > head) {
                head = newHead;
                news.notifyAll();
            }
        }
        watch.await(POLL);
    }

    @Override
    public void start() {
        synchronized (news) {
            running = true;
        }
    }

    /** Ends all streams; subscribers come again with the id of their last event. */
    @Override
    public void stop() {
        synchronized (news) {
            running = false;
            news.notifyAll();
        }
    }

    @Override
    public boolean isRunning() {
        synchronized (news) {
            return running;
        }
    }

    private final class Subscriber {
        final SseEmitter emitter;
        private final Outbox.Filter filter;
        private long position;
        private volatile boolean gone;

        Subscriber(SseEmitter emitter, long afterId, Outbox.Filter filter) {
            this.emitter = emitter;
            this.filter = filter;
            this.position = afterId;
            emitter.onCompletion(this::leave);
            emitter.onError(failure -> leave());
        }

        void feed() {
            try {
                emitter.send(SseEmitter.event().comment("quiver").reconnectTime(1000));
                while (!gone && isRunning()) {
                    feedOnce();
                }
                emitter.complete();
            } catch (IOException | IllegalStateException e) {
                LOG.debug("a subscriber is gone: {}", e.getMessage());
            } catch (DataAccessException | InterruptedException e) {
                LOG.warn("the stream of a subscriber ends, it may come again: {}", e.getMessage());
                emitter.complete();
            } finally {
                seats.release();
            }
        }

        private void feedOnce() throws IOException, InterruptedException {
            long seen = head();
            List<Outbox.Row> rows = outbox.after(position, filter, BATCH_ROWS);
            for (Outbox.Row row : rows) {
                emitter.send(event(row));
                position = row.id();
            }
            if (rows.isEmpty()) {
                // Nothing up to what was the head before the question was for this subscriber.
                position = Math.max(position, seen);
                if (!awaitNews()) {
                    emitter.send(SseEmitter.event().comment("heartbeat"));
                }
            }
        }

        /** Returns true if there may be news, or the subscriber is gone; false when it is time for a heartbeat. */
        private boolean awaitNews() throws InterruptedException {
            long deadline = System.nanoTime() + heartbeat.toNanos();
            synchronized (news) {
                while (head <= position && running && !gone) {
                    long leftMillis = (deadline - System.nanoTime()) / 1_000_000;
                    if (leftMillis <= 0) {
                        return false;
                    }
                    news.wait(leftMillis);
                }
                return true;
            }
        }

        private void leave() {
            gone = true;
            synchronized (news) {
                news.notifyAll();
            }
        }
    }

    private long head() {
        synchronized (news) {
            return head;
        }
    }

    private static SseEmitter.SseEventBuilder event(Outbox.Row row) {
        EventType type = row.type();
        String id = Long.toString(row.id());
        Envelope envelope = new Envelope(id, row.time(), type.shortName(), row.subject(), JSON.readTree(row.data()));
        return SseEmitter.event().id(id).name(type.shortName()).data(JSON.writeValueAsString(envelope), TEXT);
    }
}
