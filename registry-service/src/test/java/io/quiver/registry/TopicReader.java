package io.quiver.registry;

import io.quiver.embedded.EmbeddedStack;
import io.quiver.schemas.kafka.CloudEventCodec;
import io.quiver.schemas.kafka.Decoded;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Reads a topic from its beginning, as a subscriber would. */
final class TopicReader implements AutoCloseable {
    private final KafkaConsumer<String, byte[]> consumer;
    private final List<ConsumerRecord<String, byte[]>> seen = new ArrayList<>();

    TopicReader(String topic) {
        this(EmbeddedStack.shared().kafka().bootstrapServers(), topic);
    }

    TopicReader(String bootstrapServers, String topic) {
        consumer = new KafkaConsumer<>(
                Map.of(
                        "bootstrap.servers", bootstrapServers,
                        "group.id", UUID.randomUUID().toString(),
                        "auto.offset.reset", "earliest",
                        "enable.auto.commit", "false",
                        "metadata.max.age.ms", "500"),
                new StringDeserializer(),
                new ByteArrayDeserializer());
        consumer.subscribe(List.of(topic));
    }

    /** All records of a key up to now, in order. */
    List<ConsumerRecord<String, byte[]>> records(String key) {
        consumer.poll(Duration.ofMillis(200)).forEach(seen::add);
        return seen.stream().filter(record -> key.equals(record.key())).toList();
    }

    /** All events of a key up to now, in order, as delivered. */
    List<Decoded.Known> events(String key) {
        return records(key).stream()
                .map(record -> (Decoded.Known) CloudEventCodec.decode(record))
                .toList();
    }

    /** The short types of the events of a key. */
    List<String> types(String key) {
        return events(key).stream()
                .map(known -> known.event().getClass().getSimpleName())
                .toList();
    }

    @Override
    public void close() {
        consumer.close();
    }
}
