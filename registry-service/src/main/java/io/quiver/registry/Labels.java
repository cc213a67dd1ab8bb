package io.quiver.registry;

import io.quiver.lora.peft.Violation;
import io.quiver.schemas.LabelSelector;
import io.quiver.schemas.Names;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The labels of an adapter: keys are names, values are short texts that can stand in a selector. */
public record Labels(Map<String, String> values) {
    private static final JsonMapper JSON = JsonMapper.shared();

    public Labels {
        values = Map.copyOf(values);
    }

    /**
     * Reads labels from the JSON object that an upload carries.
     *
     * @param violations takes everything that is wrong, as {@code labels_invalid}
     * @return the labels that are right
     */
    public static Labels parse(byte[] json, List<Violation> violations) {
        Map<String, String> labels = new LinkedHashMap<>();
        List<String> faults = new ArrayList<>();
        try {
            JsonNode object = JSON.readTree(new String(json, StandardCharsets.UTF_8));
            if (!object.isObject()) {
                faults.add("labels are a JSON object of strings");
            }
            for (Map.Entry<String, JsonNode> label : object.properties()) {
                if (!LabelSelector.isKey(label.getKey())) {
                    faults.add("the key '" + label.getKey() + "' must match " + Names.PATTERN.pattern());
                } else if (!label.getValue().isString()
                        || !LabelSelector.isValue(label.getValue().asString())) {
                    faults.add(
                            "the value of '" + label.getKey()
                                    + "' must be a text of 1 to 128 characters without comma, equals sign or control character");
                } else {
                    labels.put(label.getKey(), label.getValue().asString());
                }
            }
            if (object.size() > LabelSelector.LABELS_MAX) {
                faults.add(
                        "there are " + object.size() + " labels, at most " + LabelSelector.LABELS_MAX + " are allowed");
            }
        } catch (JacksonException e) {
            faults.add("labels are not JSON: " + e.getOriginalMessage());
        }
        faults.forEach(fault -> violations.add(new Violation("labels_invalid", fault, "labels")));
        return new Labels(labels);
    }
}
