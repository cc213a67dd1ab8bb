package io.quiver.router.kafka;

import io.quiver.router.Catalogue;
import io.quiver.router.CatalogueChange;
import io.quiver.schemas.Event;
import io.quiver.schemas.Topics;
import io.quiver.schemas.kafka.CloudEventCodec;
import io.quiver.schemas.kafka.Decoded;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;

/**
 * Reads the compacted catalogue topic from its beginning and follows it, in no consumer group: every router reads
 * everything. The catalogue is ready once the end offsets seen at the start are reached. A record that cannot be read
 * goes to the dead letters; a broker that is away is waited for.
 */
public final class CatalogueReader implements SmartLifecycle {
    private static final Logger LOG = LoggerFactory.getLogger(CatalogueReader.class);
    private static final Duration POLL = Duration.ofMillis(500);
    private static final long PAUSE_MILLIS = 500;
    private static final long STOP_MILLIS = 5000;

    private final Catalogue catalogue;
    private final Supplier<Consumer<String, byte[]>> consumers;
    private final UnreadableRecords unreadable;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private @Nullable Thread thread;
    private volatile @Nullable Consumer<String, byte[]> current;
    private volatile boolean running;

    /** @param consumers makes a consumer without a group */
    public CatalogueReader(
            Catalogue catalogue, Supplier<Consumer<String, byte[]>> consumers, UnreadableRecords unreadable) {
        this.catalogue = catalogue;
        this.consumers = consumers;
        this.unreadable = unreadable;
    }

    @Override
    public void start() {
        running = true;
        Thread reader = new Thread(this::read, "catalogue");
        reader.setDaemon(true);
        reader.start();
        thread = reader;
    }

    private void read() {
        // Records already applied are applied again after a lost connection: each is the whole truth about its key.
        while (running) {
            try (Consumer<String, byte[]> consumer = consumers.get()) {
                current = consumer;
                follow(consumer);
            } catch (WakeupException e) {
                LOG.debug("the catalogue reader stops", e);
            } catch (KafkaException e) {
                LOG.warn("the catalogue cannot be read; trying again: {}", e.getMessage());
                pause();
            } catch (RuntimeException e) {
                // A fault of ours: said aloud, and everything is read anew rather than followed half.
                LOG.error("the catalogue could not be applied; reading it again", e);
                pause();
            }
        }
    }

    private void follow(Consumer<String, byte[]> consumer) {
        List<TopicPartition> partitions = partitions(consumer);
        while (partitions.isEmpty() && running) {
            pause();
            partitions = partitions(consumer);
        }
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
        Map<TopicPartition, Long> ends = new HashMap<>(consumer.endOffsets(partitions));
        while (running) {
            if (!catalogue.isReady()) {
                ends.entrySet().removeIf(end -> consumer.position(end.getKey()) >= end.getValue());
                if (ends.isEmpty()) {
                    catalogue.markReady();
                    LOG.info(
                            "the catalogue is complete: {} base models, {} adapters",
                            catalogue.snapshot().bases().size(),
                            catalogue.snapshot().adapters().size());
                }
            }
            List<CatalogueChange> changes = new ArrayList<>();
            for (ConsumerRecord<String, byte[]> record : consumer.poll(POLL)) {
                change(record).ifPresent(changes::add);
            }
            catalogue.apply(changes);
        }
    }

    private static List<TopicPartition> partitions(Consumer<String, byte[]> consumer) {
        List<PartitionInfo> known = consumer.partitionsFor(Topics.CATALOG);
        return known == null
                ? List.of()
                : known.stream()
                        .map(partition -> new TopicPartition(partition.topic(), partition.partition()))
                        .toList();
    }

    private Optional<CatalogueChange> change(ConsumerRecord<String, byte[]> record) {
        if (record.key() != null && record.value() == null) {
            return Optional.of(new CatalogueChange.Removed(record.key()));
        }
        Decoded decoded = CloudEventCodec.decode(record);
        if (decoded instanceof Decoded.Known known) {
            Event event = known.event();
            if (event instanceof Event.AdapterCatalogued || event instanceof Event.BaseModelCatalogued) {
                return Optional.of(new CatalogueChange.Replaced(event, known.time()));
            }
            unreadable.put(
                    record, "no event of the catalogue: " + event.getClass().getSimpleName());
            return Optional.empty();
        }
        if (decoded instanceof Decoded.Unreadable reason) {
            unreadable.put(record, reason.reason());
            return Optional.empty();
        }
        throw new IllegalStateException("unknown outcome " + decoded);
    }

    private void pause() {
        try {
            if (stopped.await(PAUSE_MILLIS, TimeUnit.MILLISECONDS)) {
                LOG.debug("the catalogue reader stops");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            running = false;
        }
    }

    @Override
    public void stop() {
        running = false;
        stopped.countDown();
        Consumer<String, byte[]> consumer = current;
        if (consumer != null) {
            consumer.wakeup();
        }
        Thread reader = thread;
        if (reader != null) {
            try {
                reader.join(STOP_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public boolean isRunning() {
        return running;
    }
}
