package io.quiver.router.web;

import io.quiver.router.RefusalCode;
import io.quiver.router.RequestRefusedException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The fields of one JSON object of a request, read strictly: a wrong type is refused with the field's path, and what was
 * never asked for can be refused as unknown. Null is as good as absent.
 */
final class Fields {
    private final JsonNode object;
    private final String path;
    private final Set<String> known = new HashSet<>();

    /** @param path of the object with a dot at its end, or empty for the request itself */
    Fields(JsonNode object, String path) {
        this.object = object;
        this.path = path;
    }

    /** The field's full path. */
    String path(String name) {
        return path + name;
    }

    /** The field, or null if it is absent. */
    @Nullable
    JsonNode get(String name) {
        known.add(name);
        JsonNode value = object.get(name);
        return value == null || value.isNull() ? null : value;
    }

    @Nullable
    String text(String name) {
        JsonNode value = typed(name, JsonNode::isString, "a string");
        return value == null ? null : value.asString();
    }

    String requiredText(String name) {
        String value = text(name);
        if (value == null) {
            throw invalid(name, "is missing");
        }
        return value;
    }

    boolean flag(String name) {
        JsonNode value = typed(name, JsonNode::isBoolean, "true or false");
        return value != null && value.asBoolean();
    }

    @Nullable
    Integer integer(String name, int min) {
        JsonNode value = typed(name, node -> node.isIntegralNumber() && node.canConvertToInt(), "an integer");
        if (value != null && value.asInt() < min) {
            throw invalid(name, "must be at least " + min + ", but is " + value.asInt());
        }
        return value == null ? null : Integer.valueOf(value.asInt());
    }

    @Nullable
    Long whole(String name) {
        JsonNode value = typed(name, node -> node.isIntegralNumber() && node.canConvertToLong(), "an integer");
        return value == null ? null : Long.valueOf(value.asLong());
    }

    @Nullable
    Double number(String name, double min, double max) {
        JsonNode value = typed(name, JsonNode::isNumber, "a number");
        if (value != null && !(value.asDouble() >= min && value.asDouble() <= max)) {
            throw invalid(name, "must lie between " + min + " and " + max + ", but is " + value.asString());
        }
        return value == null ? null : Double.valueOf(value.asDouble());
    }

    @Nullable
    Fields object(String name) {
        JsonNode value = typed(name, JsonNode::isObject, "an object");
        return value == null ? null : new Fields(value, path + name + ".");
    }

    /** A string, or an array of strings; null if absent. */
    @Nullable
    List<String> texts(String name) {
        JsonNode value = get(name);
        if (value == null) {
            return null;
        }
        if (value.isString()) {
            return List.of(value.asString());
        }
        if (!value.isArray()) {
            throw invalid(name, "must be a string or an array of strings");
        }
        List<String> texts = new ArrayList<>();
        for (JsonNode text : value) {
            if (!text.isString()) {
                throw invalid(name, "must hold strings only");
            }
            texts.add(text.asString());
        }
        return texts;
    }

    private @Nullable JsonNode typed(String name, Predicate<JsonNode> type, String word) {
        JsonNode value = get(name);
        if (value != null && !type.test(value)) {
            throw invalid(name, "must be " + word);
        }
        return value;
    }

    /** Accepts a field that this router does nothing with. */
    void ignore(String name) {
        known.add(name);
    }

    /** Refuses a field that would change the answer and is not implemented, unless it asks for nothing. */
    void unsupported(String name, Predicate<JsonNode> asksForNothing) {
        JsonNode value = get(name);
        if (value != null && !asksForNothing.test(value)) {
            throw new RequestRefusedException(
                    RefusalCode.UNSUPPORTED_PARAMETER, path(name) + " is not supported", path(name));
        }
    }

    /** Refuses fields that nobody has asked for. */
    void refuseUnknown() {
        for (String name : object.propertyNames()) {
            if (!known.contains(name)) {
                throw new RequestRefusedException(
                        RefusalCode.UNKNOWN_PARAMETER, "unknown parameter " + path(name), path(name));
            }
        }
    }

    RequestRefusedException invalid(String name, String what) {
        return new RequestRefusedException(RefusalCode.INVALID_REQUEST, path(name) + " " + what, path(name));
    }
}
