package io.quiver.lora.peft;

import java.util.List;
import java.util.Optional;

/**
 * What came out of reading an adapter_config.json.
 *
 * @param baseModelName {@code base_model_name_or_path}, if it is there and text
 * @param config present if rank, alpha, targets and layers could be read, even if something else is refused
 * @param violations everything that is wrong; empty only if the config is present
 * @param formats other methods that fields of the configuration belong to
 */
public record ConfigReading(
        Optional<String> baseModelName,
        Optional<AdapterConfig> config,
        List<Violation> violations,
        List<LookalikeFormat> formats) {
    public ConfigReading {
        violations = List.copyOf(violations);
        formats = List.copyOf(formats);
        if (violations.isEmpty() && formats.isEmpty() && config.isEmpty()) {
            throw new IllegalArgumentException("a config without violations can be read");
        }
    }
}
