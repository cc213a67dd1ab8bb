package io.quiver.decoder;

/** In what the weights are kept and multiplied. */
public enum Precision {
    /** The default: half the memory traffic. */
    BF16,
    /** For parity with references. */
    FP32
}
