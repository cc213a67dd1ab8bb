package io.quiver.worker;

import io.quiver.schemas.CalibrationRef;

/** What came of calibrating a base model. Either way the work is done: trying again would end the same. */
public sealed interface CalibrationOutcome {
    /**
     * The calibration lies in the object store.
     *
     * @param elapsedMillis for this computation, or for finding that it was already done
     */
    record Computed(CalibrationRef file, long elapsedMillis) implements CalibrationOutcome {}

    /**
     * This base model has no calibration here.
     *
     * @param message for people: what is wrong and what to do
     */
    record Failed(FailureCode code, String message) implements CalibrationOutcome {}
}
