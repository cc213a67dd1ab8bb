package io.quiver.decoder.evidence;

/** Hears how far the calibration of a base model is. Called on the calibrating thread. */
@FunctionalInterface
public interface CalibrationProgress {
    /** What is being done. Each phase ends with all of its items done, and comes back if the work is done in several rounds. */
    enum Phase {
        /** Requests are being sampled. */
        SAMPLE,
        /** The base is reading them. */
        READ,
        /** Points are being fitted. */
        FIT
    }

    /**
     * Says how far a phase is.
     *
     * @param done items, rising
     * @param total items of the phase: requests, or points
     */
    void reached(Phase phase, int done, int total);
}
