package io.quiver.registry;

import io.quiver.schemas.CalibrationEvent.BaseModelCalibrationRequested;
import io.quiver.schemas.CalibrationState;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.transaction.support.TransactionOperations;

/**
 * Asks the workers for another calibration of a base model, as its registration asks for the first. What serves goes on serving
 * until the new one is there. Thread-safe.
 */
public final class RequestCalibration {
    /** Of the first attempt, and of others that name none: nothing but a number. */
    public static final long DEFAULT_SEED = 1;

    private static final Logger LOG = LoggerFactory.getLogger(RequestCalibration.class);
    private static final int PAGE = 100;

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

    /**
     * Asks for the first calibration of base models that were registered before there were any; returns their names. Each is asked
     * for once, however many registries start, and however often.
     */
    public List<String> requestFirst() {
        List<String> asked = new ArrayList<>();
        List<BaseModel> page;
        Optional<String> after = Optional.empty();
        do {
            page = models.list(after, PAGE);
            for (BaseModel model : page) {
                after = Optional.of(model.name());
                if (isNew(model) && Boolean.TRUE.equals(transactions.execute(status -> requestFirst(model.name())))) {
                    asked.add(model.name());
                }
            }
        } while (!page.isEmpty());
        if (!asked.isEmpty()) {
            LOG.info("asked for the first calibration of {}", asked);
        }
        return asked;
    }

    private static boolean isNew(BaseModel model) {
        return model.calibration().state() == CalibrationState.NONE;
    }

    private boolean requestFirst(String name) {
        Optional<BaseModel> found = models.lock(name).filter(RequestCalibration::isNew);
        found.map(model -> model.with(model.calibration().requested(DEFAULT_SEED)))
                .ifPresent(requested -> {
                    models.calibrate(requested);
                    outbox.append(requested(requested, clock));
                });
        return found.isPresent();
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
