package io.quiver.schemas.kafka;

import io.quiver.schemas.Event;
import java.time.Instant;

/** What became of a Kafka record that should hold an event. */
public sealed interface Decoded {
    /**
     * An event that this program knows.
     *
     * @param id the CloudEvents id: the same id means the same event, delivered again
     */
    record Known(String id, Instant time, Event event) implements Decoded {}

    /** Not an event, or one of a type or version unknown here: belongs into the dead-letter topic, never to "processed". */
    record Unreadable(String reason) implements Decoded {}
}
