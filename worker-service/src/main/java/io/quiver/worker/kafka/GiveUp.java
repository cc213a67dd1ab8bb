package io.quiver.worker.kafka;

import io.quiver.schemas.CalibrationEvent.AdapterCalibrationRequested;
import io.quiver.schemas.CalibrationEvent.BaseModelCalibrationRequested;
import io.quiver.schemas.Event;
import io.quiver.schemas.Event.AdapterUploaded;
import io.quiver.schemas.Topics;
import io.quiver.schemas.kafka.CloudEventCodec;
import io.quiver.schemas.kafka.Decoded;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.listener.ConsumerRecordRecoverer;
import org.springframework.kafka.listener.DeadLetterPublishingRecoverer;

/**
 * The end of a record that could not be processed: it goes to the dead-letter topic as it is, with the reason and the original
 * topic, partition and offset in headers, and if it asked for work, the registry is told that nothing came of it.
 * Throws if the broker takes either of them not; the record is then delivered again.
 */
public final class GiveUp implements ConsumerRecordRecoverer {
    /** Header: why, for people. */
    public static final String REASON = "quiver_dead_letter_reason";

    private static final Logger LOG = LoggerFactory.getLogger(GiveUp.class);

    private final DeadLetterPublishingRecoverer deadLetters;
    private final PublishOutcomes publishOutcomes;

    public GiveUp(KafkaTemplate<String, byte[]> kafka, PublishOutcomes publishOutcomes) {
        this.deadLetters = new DeadLetterPublishingRecoverer(
                kafka, (record, failure) -> new TopicPartition(Topics.DEAD_LETTERS, -1));
        this.deadLetters.addHeadersFunction((record, failure) -> {
            RecordHeaders headers = new RecordHeaders();
            headers.add(REASON, reason(failure).getBytes(StandardCharsets.UTF_8));
            return headers;
        });
        this.publishOutcomes = publishOutcomes;
    }

    @Override
    public void accept(ConsumerRecord<?, ?> record, Exception failure) {
        LOG.error(
                "gave up on record {} of {}-{}, it goes to {}",
                record.offset(),
                record.topic(),
                record.partition(),
                Topics.DEAD_LETTERS,
                failure);
        deadLetters.accept(record, failure);
        // The listener's container reads byte arrays.
        @SuppressWarnings("unchecked")
        ConsumerRecord<?, byte[]> bytes = (ConsumerRecord<?, byte[]>) record;
        if (CloudEventCodec.decode(bytes) instanceof Decoded.Known known) {
            tell(known.id(), known.event(), reason(failure));
        }
    }

    private void tell(String id, Event event, String reason) {
        if (event instanceof AdapterUploaded uploaded) {
            publishOutcomes.gaveUp(id, uploaded, uploaded.calibration(), reason);
        } else if (event instanceof AdapterCalibrationRequested requested) {
            publishOutcomes.gaveUp(id, requested, requested.calibration(), reason);
        } else if (event instanceof BaseModelCalibrationRequested requested) {
            publishOutcomes.gaveUp(id, requested, reason);
        }
    }

    private static String reason(Exception failure) {
        Throwable cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.getClass().getSimpleName() + ": " + cause.getMessage();
    }
}
