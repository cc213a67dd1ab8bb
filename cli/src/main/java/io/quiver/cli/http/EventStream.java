package io.quiver.cli.http;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpRequest;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/** The registry's lifecycle events, followed over as many connections as it takes. Used by one thread. */
final class EventStream {
    private final Calls calls;
    private final UnaryOperator<String> pathAfter;
    private String lastId;
    private int failedAttempts;

    /**
     * @param pathAfter path and query of the stream after an event id
     * @param afterId the id that the stream starts after; empty for none
     */
    EventStream(Calls calls, UnaryOperator<String> pathAfter, String afterId) {
        this.calls = calls;
        this.pathAfter = pathAfter;
        this.lastId = afterId;
    }

    void follow(Predicate<LifecycleEvent> sink, Reconnecting reconnecting) {
        InputStream first = connect();
        boolean more = read(first, sink);
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

    private InputStream connect() {
        HttpRequest.Builder request = calls.request(pathAfter.apply(lastId))
                .header("Accept", "text/event-stream")
                .GET();
        if (!lastId.isEmpty()) {
            request.header("Last-Event-ID", lastId);
        }
        return calls.open(request.build()).body();
    }

    /** Reads until the stream ends; returns false if the sink has enough. */
    private boolean read(InputStream stream, Predicate<LifecycleEvent> sink) {
        try (ServerSentEvents events = new ServerSentEvents(stream)) {
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
            return true;
        }
        return true;
    }
}
