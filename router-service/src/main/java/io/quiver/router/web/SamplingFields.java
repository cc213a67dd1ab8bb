package io.quiver.router.web;

import io.quiver.router.LogitSettings;
import io.quiver.router.SamplingSettings;
import io.quiver.router.StopSettings;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads how the tokens of an answer are drawn, and what ends it. */
final class SamplingFields {
    private static final double TEMPERATURE_MAX = 100;
    private static final double PENALTY_MAX = 2;
    private static final double REPETITION_PENALTY_MAX = 100;
    private static final double BIAS_MAX = 100;
    private static final int BIASES_MAX = 1024;
    private static final int STOPS_MAX = 16;
    private static final int STOP_CHARS_MAX = 1000;
    private static final int STOP_TOKENS_MAX = 64;

    private SamplingFields() {}

    static SamplingSettings sampling(Fields fields) {
        SamplingSettings defaults = SamplingSettings.DEFAULT;
        return new SamplingSettings(
                otherwise(fields.number("temperature", 0, TEMPERATURE_MAX), defaults.temperature()),
                otherwise(fields.number("top_p", Double.MIN_VALUE, 1), defaults.topP()),
                // Other servers write "all" as -1 or 0.
                Math.max(Objects.requireNonNullElse(fields.integer("top_k", -1), defaults.topK()), 0),
                otherwise(fields.number("min_p", 0, 1), defaults.minP()));
    }

    static LogitSettings logits(Fields fields) {
        return new LogitSettings(
                otherwise(fields.number("presence_penalty", -PENALTY_MAX, PENALTY_MAX), 0),
                otherwise(fields.number("frequency_penalty", -PENALTY_MAX, PENALTY_MAX), 0),
                otherwise(fields.number("repetition_penalty", Double.MIN_VALUE, REPETITION_PENALTY_MAX), 1),
                bias(fields));
    }

    private static double otherwise(@Nullable Double value, double otherwise) {
        return value == null ? otherwise : value;
    }

    private static Map<Integer, Double> bias(Fields fields) {
        JsonNode object = fields.get("logit_bias");
        Map<Integer, Double> bias = new HashMap<>();
        if (object == null) {
            return bias;
        }
        if (!object.isObject() || object.size() > BIASES_MAX) {
            fields.refuse("logit_bias", "must be an object of " + BIASES_MAX + " tokens at most");
            return bias;
        }
        for (Map.Entry<String, JsonNode> entry : object.properties()) {
            JsonNode value = entry.getValue();
            if (!entry.getKey().matches("\\d{1,9}") || !value.isNumber() || Math.abs(value.asDouble()) > BIAS_MAX) {
                fields.refuse(
                        "logit_bias",
                        "must give token ids numbers between -" + BIAS_MAX + " and " + BIAS_MAX + ", not " + entry);
                return bias;
            }
            bias.put(Integer.valueOf(entry.getKey()), value.asDouble());
        }
        return bias;
    }

    /** @param tokensMax tokens to generate at most; null for as many as the context holds */
    static StopSettings stop(Fields fields, @Nullable Integer tokensMax) {
        Integer tokensMin = fields.integer("min_tokens", 0);
        if (tokensMin != null && tokensMax != null && tokensMin > tokensMax) {
            fields.refuse("min_tokens", "must be at most max_tokens, " + tokensMax + ", but is " + tokensMin);
        }
        return new StopSettings(
                strings(fields), tokens(fields), fields.flag("ignore_eos"), Objects.requireNonNullElse(tokensMin, 0));
    }

    private static List<String> strings(Fields fields) {
        List<String> stops = fields.texts("stop");
        if (stops == null) {
            return List.of();
        }
        if (stops.size() > STOPS_MAX) {
            fields.refuse("stop", "takes " + STOPS_MAX + " strings at most");
            return List.of();
        }
        if (stops.stream().anyMatch(stop -> stop.isEmpty() || stop.length() > STOP_CHARS_MAX)) {
            fields.refuse("stop", "takes strings of 1 to " + STOP_CHARS_MAX + " characters");
            return List.of();
        }
        // Half of a character, as only an escape in JSON can write it, would cut a text inside of one.
        if (stops.stream().anyMatch(stop -> !StandardCharsets.UTF_8.newEncoder().canEncode(stop))) {
            fields.refuse("stop", "takes whole characters only");
            return List.of();
        }
        return stops;
    }

    private static Set<Integer> tokens(Fields fields) {
        JsonNode array = fields.get("stop_token_ids");
        Set<Integer> tokens = new HashSet<>();
        if (array == null) {
            return tokens;
        }
        if (!array.isArray() || array.size() > STOP_TOKENS_MAX) {
            fields.refuse("stop_token_ids", "must be an array of " + STOP_TOKENS_MAX + " token ids at most");
            return tokens;
        }
        for (JsonNode id : array) {
            if (!id.isIntegralNumber() || !id.canConvertToInt()) {
                fields.refuse("stop_token_ids", "must hold token ids only");
                return tokens;
            }
            tokens.add(id.asInt());
        }
        return tokens;
    }
}
