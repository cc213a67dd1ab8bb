package io.quiver.lora.safetensors;

/**
 * How much of a safetensors file's header is read before it is refused.
 *
 * @param headerBytesMax bytes of JSON
 * @param tensorsMax tensors in one file
 * @param axesMax axes of one tensor
 * @param nameCharsMax characters in a tensor's name
 * @param defectsMax defects reported at once; further ones are only counted out
 */
public record SafetensorsLimits(long headerBytesMax, int tensorsMax, int axesMax, int nameCharsMax, int defectsMax) {
    /** For uploaded adapters: 16 MiB of header, 100,000 tensors. */
    public static final SafetensorsLimits ADAPTER = new SafetensorsLimits(16L << 20, 100_000, 8, 512, 100);

    /** For base models: 100 MiB of header, as the format's own implementation allows, and 1,000,000 tensors. */
    public static final SafetensorsLimits BASE_MODEL = new SafetensorsLimits(100_000_000L, 1_000_000, 8, 512, 100);

    public SafetensorsLimits {
        if (headerBytesMax < 2
                || headerBytesMax > Integer.MAX_VALUE - 16
                || tensorsMax < 1
                || axesMax < 1
                || nameCharsMax < 1
                || defectsMax < 1) {
            throw new IllegalArgumentException("limits must be positive");
        }
    }
}
