package io.quiver.router.kafka;

import io.quiver.schemas.Topics;
import io.quiver.schemas.kafka.DeadLetter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.kafka.support.KafkaHeaders;

/** Counts records that cannot be read and sends them to the dead letters, with the reason and where they come from. */
public final class UnreadableRecords {
    private static final Logger LOG = LoggerFactory.getLogger(UnreadableRecords.class);

    private final Producer<String, byte[]> producer;
    private final AtomicLong count = new AtomicLong();

    public UnreadableRecords(Producer<String, byte[]> producer) {
        this.producer = producer;
    }

    /** Never throws: what cannot be put into the dead letters is in the log. */
    public void put(ConsumerRecord<String, byte[]> record, String reason) {
        count.incrementAndGet();
        LOG.warn(
                "record {} of {} partition {} cannot be read: {}",
                record.offset(),
                record.topic(),
                record.partition(),
                reason);
        ProducerRecord<String, byte[]> letter =
                new ProducerRecord<>(Topics.DEAD_LETTERS, null, record.key(), record.value());
        record.headers().forEach(letter.headers()::add);
        DeadLetter.addReason(letter.headers(), reason)
                .add(KafkaHeaders.DLT_ORIGINAL_TOPIC, record.topic().getBytes(StandardCharsets.UTF_8))
                .add(
                        KafkaHeaders.DLT_ORIGINAL_PARTITION,
                        ByteBuffer.allocate(Integer.BYTES)
                                .putInt(record.partition())
                                .array())
                .add(
                        KafkaHeaders.DLT_ORIGINAL_OFFSET,
                        ByteBuffer.allocate(Long.BYTES).putLong(record.offset()).array());
        try {
            var unused = producer.send(letter, (sent, failure) -> {
                if (failure != null) {
                    LOG.error("a dead letter could not be sent", failure);
                }
            });
        } catch (KafkaException e) {
            LOG.error("a dead letter could not be sent", e);
        }
    }

    /** Records that could not be read since the start. */
    public long count() {
        return count.get();
    }
}
