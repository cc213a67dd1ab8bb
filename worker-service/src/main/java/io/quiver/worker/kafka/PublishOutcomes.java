package io.quiver.worker.kafka;

import io.quiver.lora.arrow.ComputePrototypes;
import io.quiver.lora.evidence.FitCalibration;
import io.quiver.schemas.CalibrationEvent.AboutAttempt;
import io.quiver.schemas.CalibrationEvent.BaseModelCalibrationRequested;
import io.quiver.schemas.CalibrationEvent.CalibrationComputed;
import io.quiver.schemas.CalibrationEvent.CalibrationFailed;
import io.quiver.schemas.CalibrationEvent.CalibrationProgressed;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Event;
import io.quiver.schemas.Event.AboutVersion;
import io.quiver.schemas.Event.AdapterUploaded;
import io.quiver.schemas.EventType;
import io.quiver.schemas.kafka.CloudEventCodec;
import io.quiver.worker.CalibrationOutcome;
import io.quiver.worker.FailureCode;
import io.quiver.worker.PrototypeOutcome;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.springframework.kafka.KafkaException;
import org.springframework.kafka.core.KafkaTemplate;

/**
 * Tells the registry what became of its requests. An event's id follows from what it is about, so that the same work done twice
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

    /**
     * Says what came of an adapter.
     *
     * @param requestId the CloudEvents id of what asked for it
     * @param about the version
     * @param calibration that evidence was asked for against; null if none was
     */
    public void outcome(
            String requestId, AboutVersion about, @Nullable CalibrationRef calibration, PrototypeOutcome outcome) {
        if (outcome instanceof PrototypeOutcome.Computed computed) {
            publish(
                    requestId,
                    new Event.PrototypesComputed(
                            about.adapter(),
                            about.version(),
                            about.digest(),
                            computed.file(),
                            computed.moduleCount(),
                            computed.elapsedMillis(),
                            worker,
                            computed.evidence()));
        } else if (outcome instanceof PrototypeOutcome.Failed failed) {
            publish(
                    requestId,
                    new Event.PrototypesFailed(
                            about.adapter(),
                            about.version(),
                            about.digest(),
                            ComputePrototypes.ALGORITHM,
                            failed.code().code(),
                            failed.message(),
                            failed.module(),
                            worker,
                            calibration == null ? null : calibration.digest()));
        } else {
            throw new IllegalStateException("unknown outcome " + outcome);
        }
    }

    /** @param reason why every attempt failed */
    public void gaveUp(String requestId, AboutVersion about, @Nullable CalibrationRef calibration, String reason) {
        outcome(
                requestId,
                about,
                calibration,
                new PrototypeOutcome.Failed(
                        FailureCode.WORKER_GAVE_UP,
                        gaveUp(reason) + "; when that is repaired, ask for another computation",
                        null));
    }

    private static String gaveUp(String reason) {
        return "the worker tried repeatedly and gave up: " + reason;
    }

    /** @param requestId the CloudEvents id of what asked for the calibration */
    public void progressed(
            String requestId, BaseModelCalibrationRequested requested, String stage, int done, int total) {
        publish(
                requestId + " " + stage + " " + done + "/" + total,
                new CalibrationProgressed(requested.base(), requested.attempt(), stage, done, total, worker));
    }

    /** @param requestId the CloudEvents id of what asked for the calibration */
    public void outcome(String requestId, BaseModelCalibrationRequested requested, CalibrationOutcome outcome) {
        if (outcome instanceof CalibrationOutcome.Computed computed) {
            publish(
                    requestId,
                    new CalibrationComputed(
                            requested.base(), requested.attempt(), computed.file(), computed.elapsedMillis(), worker));
        } else if (outcome instanceof CalibrationOutcome.Failed failed) {
            publish(
                    requestId,
                    new CalibrationFailed(
                            requested.base(), requested.attempt(), failed.code().code(), failed.message(), worker));
        } else {
            throw new IllegalStateException("unknown outcome " + outcome);
        }
    }

    /** @param reason why every attempt failed */
    public void gaveUp(String requestId, BaseModelCalibrationRequested requested, String reason) {
        outcome(
                requestId,
                requested,
                new CalibrationOutcome.Failed(
                        FailureCode.WORKER_GAVE_UP,
                        gaveUp(reason) + "; when that is repaired, ask for another calibration"));
    }

    private void publish(String requestId, AboutVersion event) {
        publish(event.digest() + " " + ComputePrototypes.ALGORITHM + " " + requestId, (Event) event);
    }

    private void publish(String requestId, AboutAttempt event) {
        publish(event.base().digest() + " " + FitCalibration.ALGORITHM + " " + requestId, (Event) event);
    }

    /** @param about what the event answers, together with its type */
    private void publish(String about, Event event) {
        String work = EventType.of(event).ceType() + " " + about;
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
