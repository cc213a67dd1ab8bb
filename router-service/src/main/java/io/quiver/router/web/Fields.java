package io.quiver.router.web;

import io.quiver.router.RefusalCode;
import io.quiver.router.RequestRefusedException;
import io.quiver.router.RequestRefusedException.Violation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The fields of one JSON object of a request, read strictly: what is wrong is noted with the field's path and read as if it
 * were absent, so that {@link #requireNoViolations} tells the caller everything at once. What was never asked for can be noted
 * as unknown. Null is as good as absent.
 */
final class Fields {
    private final JsonNode object;
    private final String path;
    private final Set<String> known = new HashSet<>();
    private final List<Violation> violations;

    /** @param path of the object with a dot at its end, or empty for the request itself */
    Fields(JsonNode object, String path) {
        this(object, path, new ArrayList<>());
    }

    private Fields(JsonNode object, String path, List<Violation> violations) {
        this.object = object;
        this.path = path;
        this.violations = violations;
    }

    /** Fields of an object inside of this one, whose violations are noted here. */
    Fields inside(JsonNode inner, String name) {
        return new Fields(inner, path + name + ".", violations);
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

    /** The text, or an empty one after noting that it is missing. */
    String requiredText(String name) {
        if (get(name) == null) {
            refuse(name, "is missing");
        }
        String value = text(name);
        return value == null ? "" : value;
    }

    boolean flag(String name) {
        JsonNode value = typed(name, JsonNode::isBoolean, "true or false");
        return value != null && value.asBoolean();
    }

    @Nullable
    Integer integer(String name, int min) {
        return integer(name, min, Integer.MAX_VALUE);
    }

    @Nullable
    Integer integer(String name, int min, int max) {
        JsonNode value = typed(name, node -> node.isIntegralNumber() && node.canConvertToInt(), "an integer");
        if (value == null) {
            return null;
        }
        int integer = value.asInt();
        if (integer < min || integer > max) {
            String bounds = max == Integer.MAX_VALUE ? "at least " + min : "between " + min + " and " + max;
            refuse(name, "must be " + bounds + ", but is " + integer);
            return null;
        }
        return integer;
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
            refuse(name, "must lie between " + min + " and " + max + ", but is " + value.asString());
            return null;
        }
        return value == null ? null : Double.valueOf(value.asDouble());
    }

    @Nullable
    Fields object(String name) {
        JsonNode value = typed(name, JsonNode::isObject, "an object");
        return value == null ? null : inside(value, name);
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
        List<String> texts = new ArrayList<>();
        value.forEach(text -> texts.add(text.isString() ? text.asString() : null));
        if (!value.isArray() || texts.contains(null)) {
            refuse(name, value.isArray() ? "must hold strings only" : "must be a string or an array of strings");
            return null;
        }
        return texts;
    }

    /** An array of numbers; null if absent. */
    @Nullable
    List<Double> numbers(String name, double min, double max, int countMax) {
        JsonNode value = typed(name, JsonNode::isArray, "an array of numbers");
        if (value == null) {
            return null;
        }
        if (value.isEmpty() || value.size() > countMax) {
            refuse(name, "must hold 1 to " + countMax + " numbers, but holds " + value.size());
            return null;
        }
        List<Double> numbers = new ArrayList<>();
        for (JsonNode number : value) {
            if (!number.isNumber() || !(number.asDouble() >= min && number.asDouble() <= max)) {
                refuse(name, "must hold numbers between " + min + " and " + max + ", but holds " + number);
                return null;
            }
            numbers.add(number.asDouble());
        }
        return numbers;
    }

    /** One of some words; null if absent. */
    <T> @Nullable T word(String name, T[] values, Function<T, String> toWord) {
        String word = text(name);
        if (word == null) {
            return null;
        }
        for (T value : values) {
            if (toWord.apply(value).equals(word)) {
                return value;
            }
        }
        refuse(name, "must be one of " + Arrays.stream(values).map(toWord).toList() + ", but is '" + word + "'");
        return null;
    }

    private @Nullable JsonNode typed(String name, Predicate<JsonNode> type, String word) {
        JsonNode value = get(name);
        if (value != null && !type.test(value)) {
            refuse(name, "must be " + word);
            return null;
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
            violations.add(
                    new Violation(RefusalCode.UNSUPPORTED_PARAMETER, path(name) + " is not supported", path(name)));
        }
    }

    /** Refuses fields that nobody has asked for. */
    void refuseUnknown() {
        for (String name : object.propertyNames()) {
            if (!known.contains(name)) {
                violations.add(
                        new Violation(RefusalCode.UNKNOWN_PARAMETER, "unknown parameter " + path(name), path(name)));
            }
        }
    }

    /** Notes that a field is not as it must be. */
    void refuse(String name, String what) {
        violations.addAll(invalid(name, what).violations());
    }

    /** For readers that go no further after the first thing that is wrong. */
    RequestRefusedException invalid(String name, String what) {
        return new RequestRefusedException(RefusalCode.INVALID_REQUEST, path(name) + " " + what, path(name));
    }

    /** Reads a part of the request by a reader that may throw; notes what it throws. */
    <T> T noting(Function<@Nullable Fields, T> reader, @Nullable Fields part, T otherwise) {
        try {
            return reader.apply(part);
        } catch (RequestRefusedException e) {
            violations.addAll(e.violations());
            return otherwise;
        }
    }

    /** @throws RequestRefusedException with everything that was noted, if anything was */
    void requireNoViolations() {
        if (!violations.isEmpty()) {
            throw new RequestRefusedException(violations);
        }
    }
}
