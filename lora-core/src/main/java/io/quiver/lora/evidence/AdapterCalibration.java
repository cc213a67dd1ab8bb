package io.quiver.lora.evidence;

/** What came of measuring an adapter against a base calibration. */
public sealed interface AdapterCalibration {
    /** It can be compared with others. */
    record Calibrated(AdapterEvidence evidence) implements AdapterCalibration {}

    /**
     * It cannot: no module of it reads a calibrated point, or its response there is always the same (an update of zero).
     *
     * @param reason for people
     */
    record NotMeasurable(String reason) implements AdapterCalibration {}
}
