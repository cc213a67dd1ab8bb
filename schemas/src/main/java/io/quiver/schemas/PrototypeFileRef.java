package io.quiver.schemas;

/**
 * A prototype file in the object store.
 *
 * @param algorithm what computed it, with its version, such as {@code arrow-v1}
 * @param key where it lies, {@code prototypes/<adapter digest's hex>/<algorithm>.safetensors}; with evidence,
 *     {@code prototypes/<adapter digest's hex>/<algorithm>/<calibration digest's hex>[-<examples digest's hex>].safetensors}
 */
public record PrototypeFileRef(String algorithm, String key, Digest digest, long sizeBytes) {
    public PrototypeFileRef {
        Names.require(algorithm, "algorithm");
    }
}
