package io.quiver.worker.kafka;

import io.quiver.schemas.Event;
import io.quiver.schemas.Topics;
import io.quiver.schemas.kafka.CloudEventCodec;
import io.quiver.schemas.kafka.Decoded;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** The registry's side of Kafka: makes the topics, sends uploads, and reads all that the workers say, from the beginning. */
final class KafkaTopics implements AutoCloseable {
    private static final CloudEventCodec REGISTRY = new CloudEventCodec(URI.create("/quiver/registry"));
    private static final Duration POLL = Duration.ofMillis(50);

    private final Producer<String, byte[]> producer;
    private final Consumer<String, byte[]> consumer;
    private final List<ConsumerRecord<String, byte[]>> seen = new ArrayList<>();

    /** @param partitions of the topics of adapters and prototypes */
    KafkaTopics(String bootstrapServers, int partitions) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrapServers))) {
            admin.createTopics(List.of(
                            new NewTopic(Topics.ADAPTERS, partitions, (short) 1),
                            new NewTopic(Topics.PROTOTYPES, partitions, (short) 1),
                            new NewTopic(Topics.DEAD_LETTERS, 1, (short) 1)))
                    .all()
                    .get();
        }
        producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", bootstrapServers), new StringSerializer(), new ByteArraySerializer());
        consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", bootstrapServers, "auto.offset.reset", "earliest"),
                new StringDeserializer(),
                new ByteArrayDeserializer());
        List<TopicPartition> all = new ArrayList<>();
        all.add(new TopicPartition(Topics.DEAD_LETTERS, 0));
        for (int partition = 0; partition < partitions; partition++) {
            all.add(new TopicPartition(Topics.PROTOTYPES, partition));
        }
        consumer.assign(all);
        consumer.seekToBeginning(all);
    }

    void send(String id, Event event) throws Exception {
        send(REGISTRY.encode(id, Instant.parse("2026-11-22T10:00:00Z"), event));
    }

    void send(ProducerRecord<String, byte[]> record) throws Exception {
        producer.send(record).get();
    }

    /** What the workers have said of one adapter so far, in order. */
    List<Decoded.Known> said(String adapter) {
        poll();
        return seen.stream()
                .filter(record -> record.topic().equals(Topics.PROTOTYPES) && adapter.equals(record.key()))
                .map(record -> (Decoded.Known) CloudEventCodec.decode(record))
                .toList();
    }

    /** The dead letters so far. */
    List<ConsumerRecord<String, byte[]>> deadLetters() {
        poll();
        return seen.stream()
                .filter(record -> record.topic().equals(Topics.DEAD_LETTERS))
                .toList();
    }

    private void poll() {
        consumer.poll(POLL).forEach(seen::add);
    }

    @Override
    public void close() {
        producer.close();
        consumer.close();
    }
}
