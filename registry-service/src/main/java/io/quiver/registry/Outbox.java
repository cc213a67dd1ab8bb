package io.quiver.registry;

import io.quiver.schemas.AdapterName;
import io.quiver.schemas.Event;
import io.quiver.schemas.EventType;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The events that were committed together with what they tell of, in one order. Ids become visible in their order: whoever has
 * read up to an id has missed nothing before it.
 */
public interface Outbox {
    /**
     * A committed event.
     *
     * @param id the CloudEvents id
     * @param data the event as JSON
     */
    record Row(long id, Instant time, EventType type, String subject, String data) {}

    /** Which events are wanted: none of the types means all. */
    record Filter(Set<EventType> types, Optional<AdapterName> adapter) {
        public static final Filter ALL = new Filter(Set.of(), Optional.empty());

        public Filter {
            types = Set.copyOf(types);
        }
    }

    /**
     * Adds events to the running transaction, as its last step: from here to its end other transactions that append wait.
     */
    void append(Event... events);

    /** Events that the broker has not acknowledged, in order. */
    List<Row> unpublished(int limit);

    void markPublished(List<Long> ids);

    /** Events of the public topic behind {@code afterId} that the filter leaves, in order. */
    List<Row> after(long afterId, Filter filter, int limit);

    /** The id of the newest event; 0 if there is none. */
    long head();

    /** Opens a watch on rows that any transaction of any replica commits. */
    Watch watch();

    /** A connection that hears of new rows at once. Belongs to one thread. */
    interface Watch extends AutoCloseable {
        /** Tries to become the one relay of all replicas, for as long as this watch is open. */
        boolean tryLead();

        /** Returns when rows were committed since the last call, at the latest after {@code atMost}. */
        void await(Duration atMost);

        @Override
        void close();
    }
}
