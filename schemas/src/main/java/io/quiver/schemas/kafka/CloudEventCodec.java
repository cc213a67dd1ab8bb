package io.quiver.schemas.kafka;

import io.cloudevents.CloudEvent;
import io.cloudevents.CloudEventData;
import io.cloudevents.core.builder.CloudEventBuilder;
import io.cloudevents.kafka.KafkaMessageFactory;
import io.cloudevents.rw.CloudEventRWException;
import io.quiver.schemas.Event;
import io.quiver.schemas.EventJson;
import io.quiver.schemas.EventType;
import java.net.URI;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Turns events into Kafka records and back: CloudEvents 1.0 in binary mode, JSON data, keyed by what the event is about. */
public final class CloudEventCodec {
    private final URI source;

    /** @param source who speaks, such as {@code /quiver/registry} */
    public CloudEventCodec(URI source) {
        this.source = source;
    }

    /**
     * The record for an event, for the topic of its type.
     *
     * @param id unique per event and equal when the same event is sent again
     */
    public ProducerRecord<String, byte[]> encode(String id, Instant time, Event event) {
        EventType type = EventType.of(event);
        CloudEvent cloudEvent = CloudEventBuilder.v1()
                .withId(id)
                .withSource(source)
                .withType(type.ceType())
                .withSubject(event.subject())
                .withTime(OffsetDateTime.ofInstant(time, ZoneOffset.UTC))
                .withData("application/json", EventJson.write(event))
                .build();
        return KafkaMessageFactory.<String>createWriter(type.topic(), null, null, event.key())
                .writeBinary(cloudEvent);
    }

    /** Reads a record; never throws for what the record holds. */
    public static Decoded decode(ConsumerRecord<?, byte[]> record) {
        try {
            CloudEvent cloudEvent = KafkaMessageFactory.createReader(record).toEvent();
            Optional<EventType> type = EventType.named(cloudEvent.getType());
            CloudEventData data = cloudEvent.getData();
            if (type.isEmpty()) {
                return new Decoded.Unreadable("unknown event type " + cloudEvent.getType());
            }
            if (data == null) {
                return new Decoded.Unreadable("event " + cloudEvent.getId() + " has no data");
            }
            OffsetDateTime time = cloudEvent.getTime();
            return new Decoded.Known(
                    cloudEvent.getId(),
                    time == null ? Instant.ofEpochMilli(record.timestamp()) : time.toInstant(),
                    EventJson.read(type.get(), data.toBytes()));
        } catch (CloudEventRWException | IllegalArgumentException e) {
            return new Decoded.Unreadable("not a readable CloudEvent: " + e.getMessage());
        }
    }
}
