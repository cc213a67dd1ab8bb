package io.quiver.lora.evidence;

/** A file is not a base calibration of a version that this program reads. */
public final class InvalidCalibrationFileException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    InvalidCalibrationFileException(String message) {
        super(message);
    }
}
