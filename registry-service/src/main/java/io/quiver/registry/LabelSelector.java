package io.quiver.registry;

import java.util.LinkedHashMap;
import java.util.Map;

/** Which adapters are meant: those that carry all of these labels. Written {@code key=value,key2=value2}. */
public record LabelSelector(Map<String, String> labels) {
    public static final LabelSelector ALL = new LabelSelector(Map.of());

    public LabelSelector {
        labels = Map.copyOf(labels);
    }

    /** Parses a selector; throws {@code selector_invalid}. The empty text selects all. */
    public static LabelSelector parse(String text) {
        if (text.isBlank()) {
            return ALL;
        }
        Map<String, String> labels = new LinkedHashMap<>();
        for (String term : text.split(",", -1)) {
            int equals = term.indexOf('=');
            String key = equals < 0 ? "" : term.substring(0, equals).strip();
            String value = term.substring(equals + 1).strip();
            if (!Labels.isKey(key) || !Labels.isValue(value)) {
                throw new RegistryException(
                        ProblemCode.SELECTOR_INVALID,
                        "a selector is key=value,key2=value2, but '" + term + "' is no such term");
            }
            if (labels.put(key, value) != null) {
                throw new RegistryException(ProblemCode.SELECTOR_INVALID, "the key '" + key + "' is there twice");
            }
        }
        if (labels.size() > Labels.COUNT_MAX) {
            throw new RegistryException(
                    ProblemCode.SELECTOR_INVALID, "a selector has at most " + Labels.COUNT_MAX + " terms");
        }
        return new LabelSelector(labels);
    }
}
