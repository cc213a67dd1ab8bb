package io.quiver.schemas;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

/**
 * The calibration of a base model in the object store: what generic requests look like at the inputs that the evidence gate
 * probes. Known by its digest; the bytes behind a key never change.
 *
 * @param algorithm what computed it, with its version, such as {@code evidence-v1}
 * @param key where it lies, {@code calibrations/<base model digest's hex>/<algorithm>/<seed>/<digest's hex>.safetensors}
 * @param routingPart its beginning, for who only routes by it; null where only the whole file is known
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record CalibrationRef(
        String algorithm,
        String key,
        Digest digest,
        long sizeBytes,
        @Nullable RoutingPart routingPart) {
    public CalibrationRef {
        Names.require(algorithm, "algorithm");
        if (sizeBytes < 0) {
            throw new IllegalArgumentException("sizeBytes must not be negative, but is " + sizeBytes);
        }
        if (routingPart != null && routingPart.sizeBytes() > sizeBytes) {
            throw new IllegalArgumentException("the routing part has " + routingPart.sizeBytes()
                    + " bytes, the whole calibration only " + sizeBytes);
        }
    }

    /** One of which only the whole file is known. */
    public CalibrationRef(String algorithm, String key, Digest digest, long sizeBytes) {
        this(algorithm, key, digest, sizeBytes, null);
    }
}
