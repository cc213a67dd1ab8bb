package io.quiver.worker.kafka;

import io.quiver.decoder.evidence.CalibrationProgress;
import io.quiver.schemas.CalibrationEvent.BaseModelCalibrationRequested;
import io.quiver.schemas.kafka.CloudEventCodec;
import io.quiver.schemas.kafka.Decoded;
import io.quiver.worker.CalibrateBaseModel;
import io.quiver.worker.CalibrationOutcome;
import java.time.Clock;
import java.time.Duration;
import java.util.Locale;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.kafka.listener.MessageListener;

/**
 * Hears of base models that are to be calibrated. The offset of a record is committed after this returned, and this returns when
 * the broker has the outcome: a worker that dies on the way leaves the record to another one.
 */
public final class CalibrationListener implements MessageListener<String, byte[]> {
    private static final Logger LOG = LoggerFactory.getLogger(CalibrationListener.class);

    private final CalibrateBaseModel calibrateBaseModel;
    private final PublishOutcomes publishOutcomes;
    private final Clock clock;
    private final Duration tellEvery;

    /** @param tellEvery how often it is said how far a stage is; its beginning and end always are */
    public CalibrationListener(
            CalibrateBaseModel calibrateBaseModel, PublishOutcomes publishOutcomes, Clock clock, Duration tellEvery) {
        this.calibrateBaseModel = calibrateBaseModel;
        this.publishOutcomes = publishOutcomes;
        this.clock = clock;
        this.tellEvery = tellEvery;
    }

    @Override
    public void onMessage(ConsumerRecord<String, byte[]> record) {
        // What cannot be read is put aside by those who hear of adapters: they read the same topic.
        if (CloudEventCodec.decode(record) instanceof Decoded.Known known
                && known.event() instanceof BaseModelCalibrationRequested requested) {
            on(known.id(), requested);
        }
    }

    private void on(String id, BaseModelCalibrationRequested requested) {
        publishOutcomes.progressed(id, requested, "fetch", 0, 1);
        CalibrationOutcome outcome = calibrateBaseModel.calibrate(requested, new Telling(id, requested));
        publishOutcomes.outcome(id, requested, outcome);
        LOG.info("base model {}, attempt {}: {}", requested.base().name(), requested.attempt(), outcome);
    }

    /** Says how far the work is, but not at every step. */
    private final class Telling implements CalibrationProgress {
        private final String id;
        private final BaseModelCalibrationRequested requested;
        private @Nullable Phase told;
        private long toldMillis;

        Telling(String id, BaseModelCalibrationRequested requested) {
            this.id = id;
            this.requested = requested;
        }

        @Override
        public void reached(Phase phase, int done, int total) {
            long now = clock.millis();
            if (phase == told && done < total && now - toldMillis < tellEvery.toMillis()) {
                return;
            }
            told = phase;
            toldMillis = now;
            try {
                publishOutcomes.progressed(id, requested, phase.name().toLowerCase(Locale.ROOT), done, total);
            } catch (NotPublishedException e) {
                // Nobody waits for it, and the outcome is tried again until it is taken.
                LOG.warn("how far {} is could not be said: {}", requested.base().name(), e.getMessage());
            }
        }
    }
}
