package io.quiver.lora.peft;

import java.util.List;
import java.util.Set;

/**
 * The restriction of an adapter to some layers: {@code layers_to_transform} and {@code layers_pattern}.
 *
 * @param layers indices; empty means all
 * @param patterns what stands in front of the index in a path; empty means any name
 */
public record LayerSelection(Set<Integer> layers, List<String> patterns) {
    /** No restriction. */
    public static final LayerSelection ALL = new LayerSelection(Set.of(), List.of());

    public LayerSelection {
        layers = Set.copyOf(layers);
        patterns = List.copyOf(patterns);
    }
}
