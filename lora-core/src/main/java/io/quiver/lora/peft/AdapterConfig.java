package io.quiver.lora.peft;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What an adapter_config.json says about an adapter, as far as it matters for y = Wx + s·B·A·x. Defaults are PEFT's.
 *
 * @param baseModelName {@code base_model_name_or_path}, if given
 * @param rank r, at least 1
 * @param alpha {@code lora_alpha}, above 0 and finite
 * @param rsLora whether the scale is alpha/√r instead of alpha/r
 * @param targets modules that are adapted
 * @param excluded modules that are not, whatever the targets say; empty for none
 * @param layers layers that are adapted
 * @param rankPattern ranks of modules whose path ends in a match of the key; the first match counts
 * @param alphaPattern the same for alpha
 */
public record AdapterConfig(
        Optional<String> baseModelName,
        int rank,
        double alpha,
        boolean rsLora,
        TargetModules targets,
        Optional<TargetModules> excluded,
        LayerSelection layers,
        Map<String, Integer> rankPattern,
        Map<String, Double> alphaPattern) {
    public AdapterConfig {
        rankPattern = Collections.unmodifiableMap(new LinkedHashMap<>(rankPattern));
        alphaPattern = Collections.unmodifiableMap(new LinkedHashMap<>(alphaPattern));
        if (rank < 1) {
            throw new IllegalArgumentException("rank must be at least 1, but is " + rank);
        }
        if (!(alpha > 0) || Double.isInfinite(alpha)) {
            throw new IllegalArgumentException("alpha must be above 0 and finite, but is " + alpha);
        }
    }

    /**
     * The scale s of a module with these values: alpha/r, or alpha/√r with rsLoRA (Kalajdzievski 2023).
     *
     * @param moduleRank r after patterns
     * @param moduleAlpha alpha after patterns
     */
    public double scaling(int moduleRank, double moduleAlpha) {
        return rsLora ? moduleAlpha / Math.sqrt(moduleRank) : moduleAlpha / moduleRank;
    }
}
