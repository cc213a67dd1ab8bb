package io.quiver.router;

import io.quiver.lora.merge.GeneralKnowledge;
import java.util.List;

/**
 * General knowledge that is taken out of every expert of a library.
 *
 * @param general the adapters that have it; at least one
 */
public record Subtraction(GeneralKnowledge form, List<PinnedExpert> general) {
    public Subtraction {
        general = List.copyOf(general);
        if (general.isEmpty()) {
            throw new IllegalArgumentException("general knowledge needs an adapter that has it");
        }
    }
}
