package io.quiver.worker.kafka;

import io.quiver.schemas.CalibrationEvent.AdapterCalibrationRequested;
import io.quiver.schemas.Event.AboutVersion;
import io.quiver.schemas.Event.AdapterUploaded;
import io.quiver.schemas.kafka.CloudEventCodec;
import io.quiver.schemas.kafka.Decoded;
import io.quiver.worker.ComputeAdapterPrototypes;
import io.quiver.worker.PrototypeOutcome;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.kafka.listener.MessageListener;

/**
 * Hears of uploads, and of versions that lack their evidence. The offset of a record is committed after this returned, and this returns when the broker has the outcome:
 * a worker that dies on the way leaves the record to another one.
 */
public final class AdapterWorkListener implements MessageListener<String, byte[]> {
    private static final Logger LOG = LoggerFactory.getLogger(AdapterWorkListener.class);

    private final ComputeAdapterPrototypes computeAdapterPrototypes;
    private final PublishOutcomes publishOutcomes;

    public AdapterWorkListener(ComputeAdapterPrototypes computeAdapterPrototypes, PublishOutcomes publishOutcomes) {
        this.computeAdapterPrototypes = computeAdapterPrototypes;
        this.publishOutcomes = publishOutcomes;
    }

    @Override
    public void onMessage(ConsumerRecord<String, byte[]> record) {
        Decoded decoded = CloudEventCodec.decode(record);
        if (decoded instanceof Decoded.Known known) {
            if (known.event() instanceof AdapterUploaded uploaded) {
                on(known.id(), uploaded);
            } else if (known.event() instanceof AdapterCalibrationRequested requested) {
                on(known.id(), requested);
            }
        } else if (decoded instanceof Decoded.Unreadable unreadable) {
            throw new UnreadableRecordException(unreadable.reason());
        }
    }

    private void on(String id, AdapterUploaded uploaded) {
        publishOutcomes.started(id, uploaded);
        PrototypeOutcome outcome = computeAdapterPrototypes.compute(uploaded);
        publishOutcomes.outcome(id, uploaded, uploaded.calibration(), outcome);
        log(uploaded, outcome);
    }

    private void on(String id, AdapterCalibrationRequested requested) {
        PrototypeOutcome outcome = computeAdapterPrototypes.compute(requested);
        publishOutcomes.outcome(id, requested, requested.calibration(), outcome);
        log(requested, outcome);
    }

    private static void log(AboutVersion about, PrototypeOutcome outcome) {
        if (outcome instanceof PrototypeOutcome.Computed computed) {
            LOG.info(
                    "{} ({}): prototypes of {} modules in {} ms, evidence: {}",
                    about.subject(),
                    about.digest().abbreviated(),
                    computed.moduleCount(),
                    computed.elapsedMillis(),
                    computed.evidence());
        } else {
            LOG.info("{} ({}): {}", about.subject(), about.digest().abbreviated(), outcome);
        }
    }
}
