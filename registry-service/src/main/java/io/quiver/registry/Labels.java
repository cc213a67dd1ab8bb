package io.quiver.registry;

import io.quiver.lora.peft.Violation;
import io.quiver.schemas.Names;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The labels of an adapter: keys are names, values are short texts that can stand in a selector. */
public record Labels(Map<String, String> values) {
    public static final int COUNT_MAX = 32;
    private static final Pattern VALUE = Pattern.compile("[^,=\\p{Cntrl}]{1,128}");
    private static final JsonMapper JSON = JsonMapper.shared();

    public Labels {
        values = Map.copyOf(values);
    }

    public static boolean isKey(String text) {
        return Names.isName(text);
    }

    /** Says whether the text is a value: 1 to 128 characters, no comma, equals sign or control character. */
    public static boolean isValue(String text) {
        return VALUE.matcher(text).matches() && text.equals(text.strip());
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
                if (!isKey(label.getKey())) {
                    faults.add("the key '" + label.getKey() + "' must match " + Names.PATTERN.pattern());
                } else if (!label.getValue().isString()
                        || !isValue(label.getValue().asString())) {
                    faults.add(
                            "the value of '" + label.getKey()
                                    + "' must be a text of 1 to 128 characters without comma, equals sign or control character");
                } else {
                    labels.put(label.getKey(), label.getValue().asString());
                }
            }
            if (object.size() > COUNT_MAX) {
                faults.add("there are " + object.size() + " labels, at most " + COUNT_MAX + " are allowed");
            }
        } catch (JacksonException e) {
            faults.add("labels are not JSON: " + e.getOriginalMessage());
        }
        faults.forEach(fault -> violations.add(new Violation("labels_invalid", fault, "labels")));
        return new Labels(labels);
    }
}
