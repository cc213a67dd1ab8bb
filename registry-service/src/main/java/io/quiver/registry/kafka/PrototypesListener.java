package io.quiver.registry.kafka;

import io.quiver.registry.RecordCalibration;
import io.quiver.registry.RecordOutcome;
import io.quiver.schemas.CalibrationEvent.AboutAttempt;
import io.quiver.schemas.Topics;
import io.quiver.schemas.kafka.CloudEventCodec;
import io.quiver.schemas.kafka.Decoded;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.springframework.kafka.annotation.KafkaListener;

/** Hears the workers. What it cannot read, and what cannot be recorded, ends in the dead-letter topic. */
public final class PrototypesListener {
    public static final String GROUP = "quiver-registry";

    private final RecordOutcome recordOutcome;
    private final RecordCalibration recordCalibration;

    public PrototypesListener(RecordOutcome recordOutcome, RecordCalibration recordCalibration) {
        this.recordOutcome = recordOutcome;
        this.recordCalibration = recordCalibration;
    }

    /** Takes one record; its offset is committed when this returns. */
    @KafkaListener(id = "prototypes", groupId = GROUP, topics = Topics.PROTOTYPES)
    public void on(ConsumerRecord<String, byte[]> record) {
        Decoded decoded = CloudEventCodec.decode(record);
        if (decoded instanceof Decoded.Known known) {
            if (known.event() instanceof AboutAttempt aboutAttempt) {
                recordCalibration.on(aboutAttempt);
            } else {
                recordOutcome.on(known.event());
            }
        } else if (decoded instanceof Decoded.Unreadable unreadable) {
            throw new UnreadableRecordException(unreadable.reason());
        }
    }
}
