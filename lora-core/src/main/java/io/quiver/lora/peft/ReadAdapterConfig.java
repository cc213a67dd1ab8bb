package io.quiver.lora.peft;

import java.util.List;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads an adapter_config.json as PEFT writes it, and finds everything in it that is wrong or not supported. Fields that are
 * not known are tolerated, because PEFT adds some with every release; those that would change the update are refused by name.
 */
public final class ReadAdapterConfig {
    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(32)
                            .maxNumberLength(64)
                            .build())
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS) // Python writes NaN and Infinity
                    .build())
            .build();

    private final AdapterLimits limits;

    public ReadAdapterConfig(AdapterLimits limits) {
        this.limits = limits;
    }

    /** Reads the file's bytes; whatever is wrong with them is in the result. */
    public ConfigReading read(byte[] json) {
        if (json.length > limits.configBytesMax()) {
            return unreadable(ViolationCode.CONFIG_TOO_LARGE, "it has more than " + limits.configBytesMax() + " bytes");
        }
        JsonNode root;
        try {
            root = JSON.readTree(json);
        } catch (JacksonException e) {
            return unreadable(ViolationCode.CONFIG_MALFORMED, "it is not JSON: " + e.getOriginalMessage());
        }
        if (!root.isObject()) {
            return unreadable(ViolationCode.CONFIG_MALFORMED, "it is not a JSON object");
        }
        return new ConfigFields(root, limits).read();
    }

    private static ConfigReading unreadable(ViolationCode code, String message) {
        return new ConfigReading(
                Optional.empty(),
                Optional.empty(),
                List.of(Violation.of(code, message, "adapter_config.json")),
                List.of());
    }
}
