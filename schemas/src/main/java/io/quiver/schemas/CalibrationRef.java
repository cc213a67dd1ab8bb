package io.quiver.schemas;

/**
 * The calibration of a base model in the object store: what generic requests look like at the inputs that the evidence gate
 * probes. Known by its digest; the bytes behind a key never change.
 *
 * @param algorithm what computed it, with its version, such as {@code evidence-v1}
 * @param key where it lies, {@code calibrations/<base model digest's hex>/<algorithm>/<seed>/<digest's hex>.safetensors}
 */
public record CalibrationRef(String algorithm, String key, Digest digest, long sizeBytes) {
    public CalibrationRef {
        Names.require(algorithm, "algorithm");
        if (sizeBytes < 0) {
            throw new IllegalArgumentException("sizeBytes must not be negative, but is " + sizeBytes);
        }
    }
}
