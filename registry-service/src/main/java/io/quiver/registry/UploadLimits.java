package io.quiver.registry;

/** How much an upload may hold at most. */
public record UploadLimits(
        long configBytesMax,
        long weightsBytesMax,
        int adapterPartsMax,
        long baseFileBytesMax,
        long baseWeightsBytesMax,
        int basePartsMax) {
    public UploadLimits {
        if (configBytesMax < 1
                || weightsBytesMax < 1
                || adapterPartsMax < 2
                || baseFileBytesMax < 1
                || baseWeightsBytesMax < 1
                || basePartsMax < 2) {
            throw new IllegalArgumentException("every limit on uploads must be positive, parts at least 2");
        }
    }
}
