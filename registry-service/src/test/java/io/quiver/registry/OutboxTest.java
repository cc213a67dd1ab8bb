package io.quiver.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.quiver.registry.jdbc.FollowOutbox;
import io.quiver.schemas.AdapterName;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event.AdapterComputing;
import io.quiver.schemas.EventType;
import io.quiver.schemas.Topics;
import io.quiver.schemas.kafka.Decoded;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.springframework.transaction.support.TransactionOperations;

class OutboxTest {
    private static final RunningRegistry REGISTRY = RunningRegistry.shared();
    private static final Outbox OUTBOX = REGISTRY.bean(Outbox.class);
    private static final TransactionOperations TRANSACTIONS = REGISTRY.bean(TransactionOperations.class);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Digest DIGEST = Digest.of("outbox".getBytes(StandardCharsets.UTF_8));

    private static AdapterComputing event(AdapterName adapter, int number) {
        return new AdapterComputing(adapter, number, DIGEST, "worker");
    }

    private static AdapterName newAdapter() {
        return new AdapterName("outbox", RunningRegistry.unique("adapter"));
    }

    private static Outbox.Filter of(AdapterName adapter) {
        return new Outbox.Filter(Set.of(), Optional.of(adapter));
    }

    @Test
    void an_event_outside_a_transaction_is_a_mistake_of_ours() {
        assertThatThrownBy(() -> OUTBOX.append(event(newAdapter(), 1))).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void an_event_of_a_transaction_that_is_rolled_back_was_never_there() {
        AdapterName adapter = newAdapter();
        TRANSACTIONS.executeWithoutResult(status -> {
            OUTBOX.append(event(adapter, 1));
            status.setRollbackOnly();
        });
        assertThat(OUTBOX.after(0, of(adapter), 10)).isEmpty();
    }

    @Test
    void who_reads_behind_the_last_id_misses_nothing_however_many_transactions_append_at_once() {
        AdapterName adapter = newAdapter();
        int writers = 6;
        int each = 25;
        CountDownLatch go = new CountDownLatch(1);
        List<CompletableFuture<Void>> appending = new ArrayList<>();
        for (int writer = 0; writer < writers; writer++) {
            int number = writer;
            appending.add(CompletableFuture.runAsync(() -> {
                Random random = new Random(number);
                awaitLatch(go);
                for (int i = 0; i < each; i++) {
                    int version = number * each + i + 1;
                    boolean rollback = random.nextInt(5) == 0;
                    TRANSACTIONS.executeWithoutResult(status -> {
                        OUTBOX.append(event(adapter, version), event(adapter, version));
                        if (rollback) {
                            status.setRollbackOnly();
                        }
                    });
                }
            }));
        }
        go.countDown();
        // A reader that only ever looks behind what it has seen.
        List<Long> seen = new ArrayList<>();
        CompletableFuture<Void> all = CompletableFuture.allOf(appending.toArray(new CompletableFuture<?>[0]));
        boolean last;
        do {
            last = all.isDone();
            long position = seen.isEmpty() ? 0 : seen.get(seen.size() - 1);
            OUTBOX.after(position, of(adapter), 1000).forEach(row -> seen.add(row.id()));
        } while (!last);
        all.join();
        List<Long> committed =
                OUTBOX.after(0, of(adapter), 1000).stream().map(Outbox.Row::id).toList();
        assertThat(seen).isEqualTo(committed).isSorted();
        assertThat(committed).hasSizeGreaterThan(writers * each);
    }

    @Test
    void events_reach_kafka_in_the_order_of_their_ids_within_a_key_with_the_id_of_their_row() {
        AdapterName adapter = newAdapter();
        for (int version = 1; version <= 40; version++) {
            int number = version;
            TRANSACTIONS.executeWithoutResult(status -> OUTBOX.append(event(adapter, number)));
        }
        try (TopicReader topic = new TopicReader(Topics.ADAPTERS)) {
            await().atMost(PATIENCE)
                    .untilAsserted(
                            () -> assertThat(topic.events(adapter.toString())).hasSize(40));
            List<String> ids = topic.events(adapter.toString()).stream()
                    .map(Decoded.Known::id)
                    .toList();
            assertThat(ids)
                    .isEqualTo(OUTBOX.after(0, of(adapter), 1000).stream()
                            .map(row -> Long.toString(row.id()))
                            .toList());
        }
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(OUTBOX.unpublished(1000)).isEmpty());
    }

    @Test
    void filters_leave_only_what_is_wanted() {
        AdapterName adapter = newAdapter();
        TRANSACTIONS.executeWithoutResult(status -> OUTBOX.append(event(adapter, 1)));
        assertThat(OUTBOX.after(0, of(adapter), 10)).hasSize(1);
        assertThat(OUTBOX.after(0, new Outbox.Filter(Set.of(EventType.ADAPTER_READY), Optional.of(adapter)), 10))
                .isEmpty();
        assertThat(OUTBOX.after(OUTBOX.head(), Outbox.Filter.ALL, 10)).isEmpty();
    }

    @Test
    void one_replica_relays_and_when_it_goes_another_takes_over() {
        try (Outbox.Watch second = OUTBOX.watch()) {
            // The shared registry relays.
            assertThat(second.tryLead()).isFalse();
        }
        AdapterName adapter = newAdapter();
        try (RunningRegistry replica = RunningRegistry.start()) {
            List<FollowOutbox> followers =
                    new ArrayList<>(REGISTRY.beansOf(FollowOutbox.class).values());
            Collections.reverse(followers);
            followers.forEach(FollowOutbox::stop);
            try {
                replica.bean(TransactionOperations.class)
                        .executeWithoutResult(
                                status -> replica.bean(Outbox.class).append(event(adapter, 1)));
                try (TopicReader topic = new TopicReader(Topics.ADAPTERS)) {
                    await().atMost(PATIENCE)
                            .untilAsserted(() ->
                                    assertThat(topic.events(adapter.toString())).hasSize(1));
                }
            } finally {
                followers.forEach(FollowOutbox::start);
            }
        }
    }

    private static void awaitLatch(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
