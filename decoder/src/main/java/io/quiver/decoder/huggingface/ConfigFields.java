package io.quiver.decoder.huggingface;

import io.quiver.decoder.UnsupportedModelException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** The fields of one object in config.json, each refused by its name if it is not as it must be. */
record ConfigFields(JsonNode root) {
    static final int SIZE_MAX = 1 << 20;
    static final int LAYERS_MAX = 1024;
    static final int CONTEXT_TOKENS_MAX = 1 << 24;

    /** Whether a field is missing or null. */
    boolean absent(String field) {
        JsonNode node = root.path(field);
        return node.isMissingNode() || node.isNull();
    }

    /** An object in a field; without any field if there is none. */
    ConfigFields object(String field) {
        JsonNode node = root.path(field);
        if (!absent(field) && !node.isObject()) {
            throw new UnsupportedModelException(field, "is " + node + ", not an object");
        }
        return new ConfigFields(node);
    }

    boolean isEmpty() {
        return root.isEmpty();
    }

    int size(String field, int max) {
        JsonNode node = root.path(field);
        if (!node.isInt() || node.intValue() < 1 || node.intValue() > max) {
            throw new UnsupportedModelException(field, "must be a whole number from 1 to " + max + ", but is " + node);
        }
        return node.intValue();
    }

    int size(String field, int max, int missing) {
        return absent(field) ? missing : size(field, max);
    }

    double positive(String field) {
        JsonNode node = root.path(field);
        if (!node.isNumber() || !(node.doubleValue() > 0) || Double.isInfinite(node.doubleValue())) {
            throw new UnsupportedModelException(field, "must be a number above 0, but is " + node);
        }
        return node.doubleValue();
    }

    double positive(String field, double missing) {
        return absent(field) ? missing : positive(field);
    }

    boolean flag(String field, boolean missing) {
        if (absent(field)) {
            return missing;
        }
        if (!root.path(field).isBoolean()) {
            throw new UnsupportedModelException(field, "is " + root.path(field) + ", not true or false");
        }
        return root.path(field).booleanValue();
    }

    String text(String field, String missing) {
        if (absent(field)) {
            return missing;
        }
        if (!root.path(field).isString()) {
            throw new UnsupportedModelException(field, "is " + root.path(field) + ", not a text");
        }
        return root.path(field).stringValue();
    }

    /** The texts in a field; empty if it is absent. */
    List<String> texts(String field, Set<String> supported, int size) {
        List<String> texts = new ArrayList<>();
        if (absent(field)) {
            return texts;
        }
        if (root.path(field).size() != size) {
            throw new UnsupportedModelException(field, "must have " + size + " entries");
        }
        for (JsonNode entry : root.path(field)) {
            if (!entry.isString() || !supported.contains(entry.stringValue())) {
                throw new UnsupportedModelException(field, "holds " + entry + ", supported: " + supported);
            }
            texts.add(entry.stringValue());
        }
        return texts;
    }

    void refuseIfTrue(String field) {
        if (flag(field, false)) {
            throw new UnsupportedModelException(field, "is true, only false is supported");
        }
    }

    void refuseIfPresent(String field) {
        if (!absent(field)) {
            throw new UnsupportedModelException(field, "is not supported");
        }
    }
}
