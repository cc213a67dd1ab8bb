package io.quiver.registry;

import io.quiver.schemas.CalibrationEvent.BaseModelCalibrationRequested;
import java.time.Clock;
import java.util.Objects;
import org.springframework.transaction.support.TransactionOperations;

/**
 * Asks the workers for another calibration of a base model, as its registration asks for the first. What serves goes on serving
 * until the new one is there. Thread-safe.
 */
public final class RequestCalibration {
    /** Of the first attempt, and of others that name none: nothing but a number. */
    public static final long DEFAULT_SEED = 1;

    private final BaseModels models;
    private final Outbox outbox;
    private final TransactionOperations transactions;
    private final Clock clock;

    public RequestCalibration(BaseModels models, Outbox outbox, TransactionOperations transactions, Clock clock) {
        this.models = models;
        this.outbox = outbox;
        this.transactions = transactions;
        this.clock = clock;
    }

    /**
     * Returns the base model as it stands afterwards.
     *
     * @param seed of the randomness in it; the same one gives the same calibration
     * @param supersede whether to begin another attempt though one is under way
     * @throws RegistryException if there is no such base model, or an attempt is under way
     */
    public BaseModel request(String name, long seed, boolean supersede) {
        if (seed < 0) {
            throw new RegistryException(ProblemCode.REQUEST_INVALID, "a seed is a number from 0, but this is " + seed);
        }
        return Objects.requireNonNull(transactions.execute(status -> {
            BaseModel model = models.lock(name)
                    .orElseThrow(() -> new RegistryException(
                            ProblemCode.BASE_MODEL_NOT_FOUND, "no base model '" + name + "' is registered"));
            if (model.calibration().underWay() && !supersede) {
                throw new RegistryException(
                        ProblemCode.CALIBRATION_UNDER_WAY,
                        "attempt " + model.calibration().attempt() + " at '" + name + "' is "
                                + model.calibration().state() + "; wait for its end, or say \"supersede\": true");
            }
            BaseModel requested = model.with(model.calibration().requested(seed));
            models.calibrate(requested);
            outbox.append(requested(requested, clock));
            return requested;
        }));
    }

    /** The event that asks for the newest attempt of a model. */
    static BaseModelCalibrationRequested requested(BaseModel model, Clock clock) {
        return new BaseModelCalibrationRequested(
                model.ref(),
                model.files(),
                model.calibration().attempt(),
                Objects.requireNonNull(model.calibration().seed(), "an attempt has a seed"),
                clock.instant());
    }
}
