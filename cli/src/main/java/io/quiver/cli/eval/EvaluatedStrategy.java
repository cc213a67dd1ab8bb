package io.quiver.cli.eval;

import java.util.List;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A way of answering that is measured: {@code oracle} names the right adapter, {@code base} asks the base alone, any other word is
 * a strategy of the router over the whole library.
 *
 * @param label as the person wrote it, such as {@code arrow:top_k=1}
 * @param word the strategy
 * @param settings further fields of the request's {@code routing}
 */
public record EvaluatedStrategy(String label, String word, ObjectNode settings) {
    static final String ORACLE = "oracle";
    static final String BASE = "base";
    private static final JsonMapper JSON = JsonMapper.shared();

    /**
     * Reads {@code word} or {@code word:field=value:field=value}.
     *
     * @throws UnusableQuestionsException if a setting is not {@code field=value}
     */
    public static EvaluatedStrategy parse(String label) {
        String[] parts = label.strip().split(":");
        ObjectNode settings = JSON.createObjectNode();
        for (int i = 1; i < parts.length; i++) {
            int equals = parts[i].indexOf('=');
            if (equals < 1) {
                throw new UnusableQuestionsException(
                        "'" + label + "' is no strategy: settings are written as arrow:top_k=1:temperature=0.5");
            }
            settings.set(parts[i].substring(0, equals), value(parts[i].substring(equals + 1)));
        }
        return new EvaluatedStrategy(label.strip(), parts[0], settings);
    }

    /** What is a JSON number or truth value, as such; anything else as text. */
    private static JsonNode value(String text) {
        try {
            JsonNode value = JSON.readTree(text);
            if (value.isNumber() || value.isBoolean()) {
                return value;
            }
        } catch (JacksonException e) {
            // A word, such as unit.
        }
        return JSON.getNodeFactory().stringNode(text);
    }

    boolean isOracle() {
        return word.equals(ORACLE);
    }

    /** Whether the router may choose another adapter than the right one. */
    boolean decides() {
        return !isOracle() && !word.equals(BASE);
    }

    /**
     * The {@code routing} of a request.
     *
     * @param library all references
     * @param right the reference of the right adapter; empty if no adapter should answer
     */
    ObjectNode routing(List<String> library, Optional<String> right) {
        ObjectNode routing = JSON.createObjectNode();
        if (word.equals(BASE) || (isOracle() && right.isEmpty())) {
            return routing.put("strategy", BASE);
        }
        ArrayNode experts = routing.putArray("experts");
        if (isOracle()) {
            experts.add(right.orElseThrow());
            return routing.put("strategy", "single");
        }
        library.forEach(experts::add);
        routing.put("strategy", word);
        settings.properties().forEach(setting -> routing.set(setting.getKey(), setting.getValue()));
        return routing;
    }
}
