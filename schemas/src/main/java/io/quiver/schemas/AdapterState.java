package io.quiver.schemas;

/**
 * Where a version of an adapter stands: {@code UPLOADED → COMPUTING → READY → DEPRECATED → RETIRED}, or {@code FAILED},
 * which is final for that content and algorithm version unless a person asks for another computation.
 */
public enum AdapterState {
    UPLOADED,
    COMPUTING,
    READY,
    DEPRECATED,
    RETIRED,
    FAILED
}
