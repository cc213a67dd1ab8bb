package io.quiver.lora.evidence;

/** Fits a base calibration to what the base model does on generic requests. */
public final class FitCalibration {
    /** What this class computes, and its version. */
    public static final String ALGORITHM = "evidence-v1";

    private FitCalibration() {}
}
