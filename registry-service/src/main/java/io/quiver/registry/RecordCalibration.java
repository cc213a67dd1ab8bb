package io.quiver.registry;

import io.quiver.schemas.CalibrationEvent.AboutAttempt;
import io.quiver.schemas.CalibrationEvent.BaseModelCalibrated;
import io.quiver.schemas.CalibrationEvent.BaseModelCalibrating;
import io.quiver.schemas.CalibrationEvent.BaseModelCalibrationFailed;
import io.quiver.schemas.CalibrationEvent.CalibrationComputed;
import io.quiver.schemas.CalibrationEvent.CalibrationFailed;
import io.quiver.schemas.CalibrationEvent.CalibrationProgressed;
import io.quiver.schemas.CalibrationState;
import io.quiver.schemas.Event.BaseModelCatalogued;
import java.time.Clock;
import java.time.Instant;
import java.util.Optional;
import org.springframework.transaction.support.TransactionOperations;

/**
 * Takes down what the workers say of calibrations of base models. What is said of an attempt that is not the newest, or has
 * come to its end, changes nothing, so that the same news twice or late does no harm. Thread-safe.
 */
public final class RecordCalibration {
    private final BaseModels models;
    private final VersionEvidence evidence;
    private final VerifyCalibration verify;
    private final RequestEvidence requestEvidence;
    private final Outbox outbox;
    private final TransactionOperations transactions;
    private final Clock clock;

    public RecordCalibration(
            BaseModels models,
            VersionEvidence evidence,
            VerifyCalibration verify,
            RequestEvidence requestEvidence,
            Outbox outbox,
            TransactionOperations transactions,
            Clock clock) {
        this.models = models;
        this.evidence = evidence;
        this.verify = verify;
        this.requestEvidence = requestEvidence;
        this.outbox = outbox;
        this.transactions = transactions;
        this.clock = clock;
    }

    /** @throws RegistryException with {@code base_model_not_found} if it is about a base model that was never registered */
    public void on(AboutAttempt event) {
        if (event instanceof CalibrationProgressed progressed) {
            progressed(progressed);
        } else if (event instanceof CalibrationComputed computed) {
            computed(computed);
        } else if (event instanceof CalibrationFailed failed) {
            fail(failed, failed.code(), failed.message(), failed.worker());
        } else {
            throw new RegistryException(
                    ProblemCode.EVENT_TYPE_UNKNOWN,
                    event.getClass().getSimpleName() + " is none of the workers' events");
        }
    }

    private void progressed(CalibrationProgressed event) {
        Calibration.Progress progress = new Calibration.Progress(event.stage(), event.done(), event.total());
        transactions.executeWithoutResult(status -> underWay(event).ifPresent(model -> {
            Calibration moved = model.calibration().progressed(event.worker(), progress);
            if (!moved.equals(model.calibration())) {
                models.calibrate(model.with(moved));
                outbox.append(new BaseModelCalibrating(
                        model.ref(), event.attempt(), event.stage(), event.done(), event.total(), event.worker()));
            }
        }));
    }

    /** Calibrated means: committed, readable back, digest checked. */
    private void computed(CalibrationComputed event) {
        if (newest(event).isEmpty()) {
            return;
        }
        Optional<Failure> unusable = verify.verify(event.base(), event.calibration(), clock.instant());
        if (unusable.isPresent()) {
            fail(event, unusable.get().code(), unusable.get().message(), event.worker());
            return;
        }
        transactions.executeWithoutResult(status -> newest(event).ifPresent(model -> {
            Instant now = clock.instant();
            BaseModel calibrated = model.with(
                    model.calibration().succeeded(event.worker(), event.calibration(), event.elapsedMillis(), now));
            models.calibrate(calibrated);
            evidence.forgetFailures(model.name());
            outbox.append(
                    new BaseModelCalibrated(
                            model.ref(), event.attempt(), event.calibration(), event.elapsedMillis(), now),
                    new BaseModelCatalogued(model.ref(), model.files(), event.calibration()));
        }));
        requestEvidence.request();
    }

    private void fail(AboutAttempt event, String code, String message, String worker) {
        transactions.executeWithoutResult(status -> underWay(event).ifPresent(model -> {
            Instant now = clock.instant();
            models.calibrate(model.with(model.calibration().failed(worker, new Failure(code, message, null, now))));
            outbox.append(new BaseModelCalibrationFailed(model.ref(), event.attempt(), code, message, now));
        }));
    }

    /** The model, locked, if the event is about its newest attempt and that has not come to its end. */
    private Optional<BaseModel> underWay(AboutAttempt event) {
        return newest(event).filter(model -> model.calibration().underWay());
    }

    /** The model if the event is about its newest attempt and that has not succeeded: success outlasts failure, whichever is told first. */
    private Optional<BaseModel> newest(AboutAttempt event) {
        BaseModel model = models.lock(event.base().name())
                .filter(found -> found.ref().equals(event.base()))
                .orElseThrow(() -> new RegistryException(
                        ProblemCode.BASE_MODEL_NOT_FOUND, "there is no base model " + event.base()));
        return Optional.of(model)
                .filter(found -> found.calibration().attempt() == event.attempt()
                        && found.calibration().state() != CalibrationState.CALIBRATED);
    }
}
