package io.quiver.decoder;

/** In what the base model's weights are kept and multiplied. Experts and caches are float32 with {@link #FP32}, else bfloat16. */
public enum Precision {
    /** The default: half the memory traffic. */
    BF16,
    /** For parity with references. */
    FP32,
    /** Linear layers with 8 bits a weight and a scale for each 32 of a row; all else, and what they multiply, as with {@link #BF16}. */
    INT8,
    /** The same with 4 bits a weight, and 8 for the head. */
    INT4
}
