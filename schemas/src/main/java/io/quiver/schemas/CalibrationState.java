package io.quiver.schemas;

/**
 * Where the newest attempt to calibrate a base model stands: {@code NONE → REQUESTED → CALIBRATING → CALIBRATED}, or
 * {@code FAILED}. A calibration of an earlier attempt goes on serving meanwhile.
 */
public enum CalibrationState {
    /** Never asked for. */
    NONE,
    REQUESTED,
    CALIBRATING,
    CALIBRATED,
    FAILED
}
