package io.quiver.router;

import java.util.LinkedHashMap;
import java.util.Map;

/** Chooses adapters by their labels: {@code k=v,k2=v2}, all of which must hold. */
public record LabelSelector(Map<String, String> wanted) {
    public LabelSelector {
        wanted = Map.copyOf(wanted);
    }

    /**
     * Reads {@code k=v,k2=v2}.
     *
     * @throws IllegalArgumentException if a part is not of that form, or a key comes twice
     */
    public static LabelSelector parse(String text) {
        Map<String, String> wanted = new LinkedHashMap<>();
        for (String part : text.split(",", -1)) {
            int equals = part.indexOf('=');
            String key = equals < 0 ? "" : part.substring(0, equals).strip();
            if (key.isEmpty()) {
                throw new IllegalArgumentException("a selector is k=v,k2=v2, but a part of it is '" + part + "'");
            }
            if (wanted.put(key, part.substring(equals + 1).strip()) != null) {
                throw new IllegalArgumentException("the selector asks twice for '" + key + "'");
            }
        }
        return new LabelSelector(wanted);
    }

    public boolean matches(Map<String, String> labels) {
        return labels.entrySet().containsAll(wanted.entrySet());
    }
}
