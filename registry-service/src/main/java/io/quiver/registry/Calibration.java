package io.quiver.registry;

import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.CalibrationState;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The calibration of a base model as it stands: the newest attempt, and beside it what serves, which may be of an earlier one.
 *
 * @param state of the newest attempt
 * @param attempt counts from 1; 0 before the first
 * @param seed of the newest attempt
 * @param worker the one that works or worked on it
 * @param progress how far it has come, while it is CALIBRATING
 * @param failure why it is FAILED
 * @param calibrated what serves, if an attempt ever succeeded
 */
public record Calibration(
        CalibrationState state,
        int attempt,
        @Nullable Long seed,
        @Nullable String worker,
        @Nullable Progress progress,
        @Nullable Failure failure,
        @Nullable Calibrated calibrated) {
    /** Of a base model that nobody asked to be calibrated. */
    public static final Calibration NONE = new Calibration(CalibrationState.NONE, 0, null, null, null, null, null);

    /**
     * How far a worker has come.
     *
     * @param done of {@code total} steps of the stage
     */
    public record Progress(String stage, int done, int total) {}

    /**
     * A calibration that serves.
     *
     * @param attempt the one that made it
     */
    public record Calibrated(CalibrationRef file, int attempt, long seed, long elapsedMillis, Instant calibratedAt) {}

    /** Whether a worker is at it, or is to be. */
    public boolean underWay() {
        return state == CalibrationState.REQUESTED || state == CalibrationState.CALIBRATING;
    }

    /** What serves, if anything does. */
    public Optional<CalibrationRef> serving() {
        return Optional.ofNullable(calibrated).map(Calibrated::file);
    }

    /** The next attempt is asked for. */
    Calibration requested(long newSeed) {
        return new Calibration(CalibrationState.REQUESTED, attempt + 1, newSeed, null, null, null, calibrated);
    }

    /** A worker has come so far. */
    Calibration progressed(String by, Progress made) {
        return new Calibration(CalibrationState.CALIBRATING, attempt, seed, by, made, null, calibrated);
    }

    /** The newest attempt came to nothing. */
    Calibration failed(String by, Failure why) {
        return new Calibration(CalibrationState.FAILED, attempt, seed, by, null, why, calibrated);
    }

    /** The newest attempt succeeded, and serves. */
    Calibration succeeded(String by, CalibrationRef file, long elapsedMillis, Instant at) {
        if (seed == null) {
            throw new IllegalStateException("an attempt has a seed");
        }
        return new Calibration(
                CalibrationState.CALIBRATED,
                attempt,
                seed,
                by,
                null,
                null,
                new Calibrated(file, attempt, seed, elapsedMillis, at));
    }
}
