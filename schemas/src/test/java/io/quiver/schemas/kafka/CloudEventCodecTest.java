package io.quiver.schemas.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.schemas.Event;
import io.quiver.schemas.EventJson;
import io.quiver.schemas.EventSchemas;
import io.quiver.schemas.EventType;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Optional;
import java.util.Random;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CloudEventCodecTest {
    private static final Instant TIME = Instant.parse("2026-11-22T09:30:00.125Z");
    private final CloudEventCodec codec = new CloudEventCodec(URI.create("/quiver/registry"));

    @ParameterizedTest
    @EnumSource
    void an_event_goes_through_kafka_unchanged(EventType type) {
        Event event = EventJson.read(type, EventSchemas.example(type));
        ProducerRecord<String, byte[]> sent = codec.encode("42", TIME, event);
        assertThat(sent.topic()).isEqualTo(type.topic());
        assertThat(sent.key()).isEqualTo(event.key());
        assertThat(CloudEventCodec.decode(received(sent.headers(), sent.value())))
                .isEqualTo(new Decoded.Known("42", TIME, event));
    }

    @Test
    void the_record_is_a_cloud_event_in_binary_mode() {
        ProducerRecord<String, byte[]> sent = codec.encode("42", TIME, ready());
        assertThat(header(sent, "ce_specversion")).isEqualTo("1.0");
        assertThat(header(sent, "ce_type")).isEqualTo("io.quiver.AdapterReady.v1");
        assertThat(header(sent, "ce_subject")).isEqualTo("acme/sql/versions/3");
        assertThat(header(sent, "ce_source")).isEqualTo("/quiver/registry");
        assertThat(header(sent, "content-type")).isEqualTo("application/json");
        assertThat(new String(sent.value(), StandardCharsets.UTF_8)).startsWith("{\"adapter\":\"acme/sql\"");
    }

    @Test
    void an_unknown_type_or_version_is_unreadable_by_name() {
        ProducerRecord<String, byte[]> sent = codec.encode("42", TIME, ready());
        sent.headers().remove("ce_type").add("ce_type", bytes("io.quiver.AdapterReady.v2"));
        assertThat(CloudEventCodec.decode(received(sent.headers(), sent.value())))
                .isEqualTo(new Decoded.Unreadable("unknown event type io.quiver.AdapterReady.v2"));
    }

    @Test
    void a_record_without_headers_without_data_or_with_other_data_is_unreadable() {
        ProducerRecord<String, byte[]> sent = codec.encode("42", TIME, ready());
        assertThat(CloudEventCodec.decode(received(new RecordHeaders(), bytes("hello"))))
                .isInstanceOf(Decoded.Unreadable.class);
        assertThat(CloudEventCodec.decode(received(new RecordHeaders(), null))).isInstanceOf(Decoded.Unreadable.class);
        assertThat(CloudEventCodec.decode(received(sent.headers(), null))).isInstanceOf(Decoded.Unreadable.class);
        for (String data : new String[] {"", "null", "{}", "[]", "{\"adapter\":\"../etc\"}", "\"text\"", "{"}) {
            assertThat(CloudEventCodec.decode(received(sent.headers(), bytes(data))))
                    .as(data)
                    .isInstanceOf(Decoded.Unreadable.class);
        }
    }

    @Test
    void damaged_bytes_are_unreadable_or_an_event_but_never_an_exception() {
        Random random = new Random(20261122);
        for (EventType type : EventType.values()) {
            ProducerRecord<String, byte[]> sent =
                    codec.encode("42", TIME, EventJson.read(type, EventSchemas.example(type)));
            for (int i = 0; i < 200; i++) {
                byte[] damaged = sent.value().clone();
                damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
                assertThat(CloudEventCodec.decode(received(sent.headers(), damaged)))
                        .isNotNull();
            }
        }
    }

    private static Event ready() {
        return EventJson.read(EventType.ADAPTER_READY, EventSchemas.example(EventType.ADAPTER_READY));
    }

    private static String header(ProducerRecord<String, byte[]> record, String name) {
        return new String(record.headers().lastHeader(name).value(), StandardCharsets.UTF_8);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static ConsumerRecord<String, byte[]> received(Headers headers, byte[] value) {
        Headers copy = new RecordHeaders();
        for (Header header : headers) {
            copy.add(header);
        }
        return new ConsumerRecord<>(
                "topic", 0, 0, 0, TimestampType.CREATE_TIME, 0, 0, "key", value, copy, Optional.empty());
    }
}
