package io.quiver.registry.kafka;

import io.quiver.registry.Outbox;
import io.quiver.registry.jdbc.FollowOutbox;
import io.quiver.schemas.EventJson;
import io.quiver.schemas.kafka.CloudEventCodec;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.kafka.KafkaException;
import org.springframework.kafka.core.KafkaAdmin;
import org.springframework.kafka.core.KafkaTemplate;

/**
 * Sends the outbox to Kafka: one relay of all replicas, woken at once, in the order of the ids, at least once. A row counts as
 * published when all in-sync replicas of the broker have it. While a row is under way, no other row of its topic and key is:
 * whatever fails, events of one key keep their order.
 */
public final class OutboxRelay implements FollowOutbox.Step {
    private static final Logger LOG = LoggerFactory.getLogger(OutboxRelay.class);
    private static final int BATCH_ROWS = 200;
    private static final Duration POLL = Duration.ofSeconds(1);

    private final Outbox outbox;
    private final KafkaTemplate<String, byte[]> kafka;
    private final KafkaAdmin topics;
    private final CloudEventCodec codec;
    private boolean topicsAreThere;

    /** @param topics makes the topics if the broker was not there at the start */
    public OutboxRelay(Outbox outbox, KafkaTemplate<String, byte[]> kafka, KafkaAdmin topics, CloudEventCodec codec) {
        this.outbox = outbox;
        this.kafka = kafka;
        this.topics = topics;
        this.codec = codec;
    }

    @Override
    public void run(Outbox.Watch watch) throws InterruptedException {
        if (watch.tryLead()) {
            try {
                if (!topicsAreThere) {
                    topicsAreThere = topics.initialize();
                }
                while (topicsAreThere && publishBatch()) {
                    LOG.trace("a batch was published");
                }
            } catch (KafkaException e) {
                LOG.warn("the broker does not take events, trying again: {}", e.getMessage());
            }
        }
        watch.await(POLL);
    }

    /** Says whether there may be more. */
    private boolean publishBatch() throws InterruptedException {
        List<Outbox.Row> rows = outbox.unpublished(BATCH_ROWS);
        List<Outbox.Row> together = new ArrayList<>();
        Set<String> keys = new HashSet<>();
        for (Outbox.Row row : rows) {
            ProducerRecord<String, byte[]> record = record(row);
            if (!keys.add(record.topic() + " " + record.key())) {
                publish(together);
                together.clear();
                keys.clear();
                keys.add(record.topic() + " " + record.key());
            }
            together.add(row);
        }
        publish(together);
        return rows.size() == BATCH_ROWS;
    }

    /** Sends rows of different keys at once, waits for all, and marks those that arrived. */
    private void publish(List<Outbox.Row> rows) throws InterruptedException {
        Map<Long, CompletableFuture<?>> underWay = new LinkedHashMap<>();
        for (Outbox.Row row : rows) {
            underWay.put(row.id(), kafka.send(record(row)));
        }
        List<Long> arrived = new ArrayList<>();
        KafkaException failure = null;
        for (Map.Entry<Long, CompletableFuture<?>> sent : underWay.entrySet()) {
            try {
                sent.getValue().get();
                arrived.add(sent.getKey());
            } catch (ExecutionException e) {
                failure = new KafkaException("event " + sent.getKey() + " was not taken", e.getCause());
            }
        }
        if (!arrived.isEmpty()) {
            outbox.markPublished(arrived);
        }
        if (failure != null) {
            throw failure;
        }
    }

    private ProducerRecord<String, byte[]> record(Outbox.Row row) {
        return codec.encode(
                Long.toString(row.id()),
                row.time(),
                EventJson.read(row.type(), row.data().getBytes(StandardCharsets.UTF_8)));
    }
}
