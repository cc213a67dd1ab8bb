package io.quiver.lora.merge;

import java.util.Locale;

/** How adapters become one. The formulas stand in {@link MergeAdapters}. */
public enum MergeMethod {
    /** A and B are added up with weights. */
    LINEAR,
    /** Only the largest entries of A and B, of which those count that agree with the elected sign (Yadav et al. 2023). */
    TIES,
    /** Random entries of A and B are dropped, the others grow; then they are added up (Yu et al. 2023). */
    DARE_LINEAR,
    /** Random entries of A and B are dropped, the others grow; then those count that agree with the elected sign. */
    DARE_TIES,
    /** Only the largest entries of A and B, added up. */
    MAGNITUDE_PRUNE;

    /** The name that requests use; PEFT's {@code combination_type}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Whether some entries are dropped, so that a density is needed. */
    public boolean prunes() {
        return this != LINEAR;
    }

    /** Whether it draws random numbers. */
    public boolean draws() {
        return this == DARE_LINEAR || this == DARE_TIES;
    }

    /** Whether a sign is elected for each entry. */
    public boolean elects() {
        return this == TIES || this == DARE_TIES;
    }
}
