package io.quiver.client;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The registry's lifecycle events, followed over as many connections as it takes. Followed by one thread, once; closed by
 * any.
 */
public final class EventStream implements AutoCloseable {
    /** Four heartbeats of a registry with its usual settings, which sends one every 15 s. */
    static final Duration SILENCE_MAX = Duration.ofSeconds(60);

    private final Calls calls;
    private final UnaryOperator<String> pathAfter;
    private final Duration silenceMax;
    private String lastId;
    private int failedAttempts;
    private @Nullable InputStream connection;
    private boolean closed;

    /**
     * @param pathAfter path and query of the stream after an event id
     * @param afterId the id that the stream starts after; empty for none
     * @param silenceMax how long a connection may bring nothing, not even a heartbeat, before it counts as broken
     */
    EventStream(Calls calls, UnaryOperator<String> pathAfter, String afterId, Duration silenceMax) {
        this.calls = calls;
        this.pathAfter = pathAfter;
        this.lastId = afterId;
        this.silenceMax = silenceMax;
    }

    /**
     * Hands over events as they come until {@code sink} has enough or the stream is closed, and goes on after a lost
     * connection where it stopped.
     *
     * @param sink returns false when no more events are wanted
     * @throws ServerException if the first connection fails, {@code reconnecting} gives up, or the registry refuses
     */
    public void follow(Predicate<LifecycleEvent> sink, Reconnecting reconnecting) {
        boolean more = read(connect(), sink);
        while (more) {
            if (failedAttempts == 0) {
                reconnecting.tell().accept("the event stream was cut off: connecting again, after event " + lastId);
            }
            failedAttempts++;
            if (!reconnecting.await(failedAttempts)) {
                return;
            }
            InputStream stream;
            try {
                stream = connect();
            } catch (ServerUnreachableException e) {
                if (failedAttempts >= reconnecting.attemptsMax()) {
                    throw e;
                }
                continue;
            }
            more = read(stream, sink);
        }
    }

    /** Ends {@link #follow}, at the latest when it has connected again. */
    @Override
    public synchronized void close() {
        closed = true;
        if (connection != null) {
            try {
                connection.close();
            } catch (IOException e) {
                // It is not needed any more, whatever is wrong with it.
                connection = null;
            }
        }
    }

    private InputStream connect() {
        HttpRequest.Builder request = calls.request(pathAfter.apply(lastId))
                .header("Accept", "text/event-stream")
                .timeout(silenceMax)
                .GET();
        if (!lastId.isEmpty()) {
            request.header("Last-Event-ID", lastId);
        }
        return new IdleTimeoutStream(calls.open(request.build()).body(), silenceMax);
    }

    /** Reads until the connection ends; returns false if no more is wanted. */
    private boolean read(InputStream stream, Predicate<LifecycleEvent> sink) {
        try (ServerSentEvents events = new ServerSentEvents(stream)) {
            if (!opened(stream)) {
                return false;
            }
            for (Optional<ServerSentEvent> event = events.next(); event.isPresent(); event = events.next()) {
                failedAttempts = 0;
                LifecycleEvent lifecycleEvent = LifecycleEvent.of(event.get());
                if (!lifecycleEvent.id().isEmpty()) {
                    lastId = lifecycleEvent.id();
                }
                if (!sink.test(lifecycleEvent)) {
                    return false;
                }
            }
        } catch (IOException e) {
            // The connection broke: what has been read counts, the rest comes over the next one.
            return !isClosed();
        }
        return !isClosed();
    }

    /** Remembers the connection for {@link #close}; returns false if that has been called. */
    private synchronized boolean opened(InputStream stream) {
        connection = stream;
        return !closed;
    }

    private synchronized boolean isClosed() {
        return closed;
    }
}
