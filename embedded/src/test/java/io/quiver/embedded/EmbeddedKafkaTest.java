package io.quiver.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedKafkaTest {
    private static final String TOPIC = "notes";

    @TempDir
    private Path dir;

    @Test
    void records_and_group_positions_are_there_after_a_restart_on_another_port() throws Exception {
        try (var kafka = EmbeddedKafka.start(ServerSettings.onFreePort(dir))) {
            createTopic(kafka);
            write(kafka, "first");
            assertThat(read(kafka)).isEqualTo("first");
        }
        try (var kafka = EmbeddedKafka.start(ServerSettings.onFreePort(dir))) {
            write(kafka, "second");
            assertThat(read(kafka)).isEqualTo("second");
        }
    }

    @Test
    void a_topic_that_nobody_created_is_not_made_by_use() throws Exception {
        try (var kafka = EmbeddedKafka.start(ServerSettings.onFreePort(dir));
                var producer = new KafkaProducer<String, String>(
                        Map.of("bootstrap.servers", kafka.bootstrapServers(), "max.block.ms", "500"),
                        new StringSerializer(),
                        new StringSerializer())) {
            assertThatThrownBy(() ->
                            producer.send(new ProducerRecord<>(TOPIC, "k", "v")).get())
                    .isInstanceOf(ExecutionException.class)
                    .hasMessageContaining(TOPIC);
        }
    }

    @Test
    void a_taken_port_is_named_with_who_needs_it_and_how_to_choose_another() throws IOException {
        try (var taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            var settings = new ServerSettings(dir, taken.getLocalPort(), "--kafka-port");
            assertThatThrownBy(() -> EmbeddedKafka.start(settings))
                    .isInstanceOf(PortTakenException.class)
                    .hasMessage("port " + taken.getLocalPort()
                            + " on 127.0.0.1 is taken; Kafka needs it: choose another with --kafka-port");
        }
    }

    private static void createTopic(EmbeddedKafka kafka) throws Exception {
        try (var admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()))) {
            admin.createTopics(List.of(new NewTopic(TOPIC, 1, (short) 1))).all().get();
        }
    }

    private static void write(EmbeddedKafka kafka, String value) throws Exception {
        try (var producer = new KafkaProducer<String, String>(
                Map.of("bootstrap.servers", kafka.bootstrapServers(), "acks", "all"),
                new StringSerializer(),
                new StringSerializer())) {
            producer.send(new ProducerRecord<>(TOPIC, "k", value)).get();
        }
    }

    /** The one record that the group has not read yet. */
    private static String read(EmbeddedKafka kafka) {
        Map<String, Object> settings = Map.of(
                "bootstrap.servers", kafka.bootstrapServers(),
                "group.id", "readers",
                "enable.auto.commit", "false",
                "auto.offset.reset", "earliest");
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(TOPIC));
            var values = new ArrayList<String>();
            for (int poll = 0; poll < 100 && values.isEmpty(); poll++) {
                consumer.poll(Duration.ofMillis(200)).forEach(record -> values.add(record.value()));
            }
            consumer.commitSync();
            assertThat(values).hasSize(1);
            return values.get(0);
        }
    }
}
