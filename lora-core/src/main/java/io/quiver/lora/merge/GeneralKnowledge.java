package io.quiver.lora.merge;

import java.util.Locale;

/** What of general adapters is taken out of an expert. The formulas stand in {@link SubtractGeneralKnowledge}. */
public enum GeneralKnowledge {
    /** The mean of their factors, as PEFT does. */
    FACTORS,
    /** The mean of their updates. */
    UPDATES;

    /** The name that requests use. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
