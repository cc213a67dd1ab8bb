package io.quiver.worker.kafka;

import io.quiver.lora.arrow.ComputePrototypes;
import io.quiver.schemas.Event;
import io.quiver.schemas.Event.AdapterUploaded;
import io.quiver.schemas.EventType;
import io.quiver.schemas.kafka.CloudEventCodec;
import io.quiver.worker.FailureCode;
import io.quiver.worker.PrototypeOutcome;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.springframework.kafka.KafkaException;
import org.springframework.kafka.core.KafkaTemplate;

/**
 * Tells the registry what became of an upload. An event's id follows from what it is about, so that the same work done twice
 * gives events with equal ids. Every method returns when the broker has the event, and throws {@link NotPublishedException}
 * otherwise.
 */
public final class PublishOutcomes {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final KafkaTemplate<String, byte[]> kafka;
    private final CloudEventCodec codec;
    private final Clock clock;
    private final String worker;

    /** @param worker who says so: this process */
    public PublishOutcomes(KafkaTemplate<String, byte[]> kafka, CloudEventCodec codec, Clock clock, String worker) {
        this.kafka = kafka;
        this.codec = codec;
        this.clock = clock;
        this.worker = worker;
    }

    /** @param uploadedId the CloudEvents id of the upload */
    public void started(String uploadedId, AdapterUploaded uploaded) {
        publish(
                uploadedId,
                new Event.PrototypesStarted(
                        uploaded.adapter(),
                        uploaded.version(),
                        uploaded.digest(),
                        ComputePrototypes.ALGORITHM,
                        worker));
    }

    /** @param uploadedId the CloudEvents id of the upload */
    public void outcome(String uploadedId, AdapterUploaded uploaded, PrototypeOutcome outcome) {
        if (outcome instanceof PrototypeOutcome.Computed computed) {
            publish(
                    uploadedId,
                    new Event.PrototypesComputed(
                            uploaded.adapter(),
                            uploaded.version(),
                            uploaded.digest(),
                            computed.file(),
                            computed.moduleCount(),
                            computed.elapsedMillis(),
                            worker,
                            null));
        } else if (outcome instanceof PrototypeOutcome.Failed failed) {
            publish(
                    uploadedId,
                    new Event.PrototypesFailed(
                            uploaded.adapter(),
                            uploaded.version(),
                            uploaded.digest(),
                            ComputePrototypes.ALGORITHM,
                            failed.code().code(),
                            failed.message(),
                            failed.module(),
                            worker,
                            null));
        } else {
            throw new IllegalStateException("unknown outcome " + outcome);
        }
    }

    /** @param reason why every attempt failed */
    public void gaveUp(String uploadedId, AdapterUploaded uploaded, String reason) {
        outcome(
                uploadedId,
                uploaded,
                new PrototypeOutcome.Failed(
                        FailureCode.WORKER_GAVE_UP,
                        "the worker tried repeatedly and gave up: " + reason
                                + "; when that is repaired, ask for another computation",
                        null));
    }

    private void publish(String uploadedId, Event.AboutVersion event) {
        String work = EventType.of(event).ceType() + " " + event.digest() + " " + ComputePrototypes.ALGORITHM + " "
                + uploadedId;
        String id =
                UUID.nameUUIDFromBytes(work.getBytes(StandardCharsets.UTF_8)).toString();
        try {
            kafka.send(codec.encode(id, clock.instant(), event)).get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (KafkaException | ExecutionException | TimeoutException e) {
            throw new NotPublishedException(
                    "the broker did not take " + EventType.of(event).shortName() + " of " + event.subject(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new NotPublishedException("interrupted while publishing", e);
        }
    }
}
