package io.quiver.schemas;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Which adapters are meant: those that carry all of these labels. Written {@code key=value,key2=value2}; keys are
 * {@link Names names}, values are short texts.
 */
public record LabelSelector(Map<String, String> labels) {
    /** Selects every adapter. */
    public static final LabelSelector ALL = new LabelSelector(Map.of());

    /** Labels that an adapter may have, and so terms that a selector may have. */
    public static final int LABELS_MAX = 32;

    private static final Pattern VALUE = Pattern.compile("[^,=\\p{Cntrl}]{1,128}");

    public LabelSelector {
        labels = Map.copyOf(labels);
    }

    /**
     * Reads {@code key=value,key2=value2}; spaces around keys and values do not count.
     *
     * @throws IllegalArgumentException if a term is not of that form, a key comes twice or there are too many terms; the
     *     message is for people
     */
    public static LabelSelector parse(String text) {
        Map<String, String> labels = new LinkedHashMap<>();
        for (String term : text.split(",", -1)) {
            int equals = term.indexOf('=');
            String key = equals < 0 ? "" : term.substring(0, equals).strip();
            String value = term.substring(equals + 1).strip();
            if (!isKey(key) || !isValue(value)) {
                throw new IllegalArgumentException(
                        "a selector is key=value,key2=value2, but '" + term + "' is no such term");
            }
            if (labels.put(key, value) != null) {
                throw new IllegalArgumentException("the key '" + key + "' is there twice");
            }
        }
        if (labels.size() > LABELS_MAX) {
            throw new IllegalArgumentException("a selector has at most " + LABELS_MAX + " terms");
        }
        return new LabelSelector(labels);
    }

    /** Says whether the text can be a label's key. */
    public static boolean isKey(String text) {
        return Names.isName(text);
    }

    /** Says whether the text can be a label's value: 1 to 128 characters, no comma, equals sign or control character. */
    public static boolean isValue(String text) {
        return VALUE.matcher(text).matches() && text.equals(text.strip());
    }

    /** Says whether an adapter with these labels is meant. */
    public boolean matches(Map<String, String> carried) {
        return carried.entrySet().containsAll(labels.entrySet());
    }
}
