package io.quiver.lora.peft;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Takes the fields of one adapter_config.json one by one and collects what is wrong with them. For one use. */
final class ConfigFields {
    /** PEFT's default of r and lora_alpha. */
    private static final int DEFAULT_RANK_AND_ALPHA = 8;

    /** What single precision can hold after it is divided by any rank. */
    private static final double ALPHA_MIN = 1e-30;

    private static final double ALPHA_MAX = 1e30;

    private final JsonNode root;
    private final AdapterLimits limits;
    private final List<Violation> violations = new ArrayList<>();

    ConfigFields(JsonNode root, AdapterLimits limits) {
        this.root = root;
        this.limits = limits;
    }

    ConfigReading read() {
        UnsupportedFields.collect(root, violations);
        Integer rank = rank(field("r"), "r");
        Double alpha = alpha(field("lora_alpha"), "lora_alpha");
        boolean rsLora = flag("use_rslora");
        TargetModules targets = targets();
        TargetModules excluded = excluded();
        LayerSelection layers = layers(targets);
        Map<String, Integer> rankPattern = pattern("rank_pattern", node -> rank(node, "rank_pattern"));
        Map<String, Double> alphaPattern = pattern("alpha_pattern", node -> alpha(node, "alpha_pattern"));
        Optional<String> baseModelName = Optional.ofNullable(root.get("base_model_name_or_path"))
                .filter(JsonNode::isString)
                .map(JsonNode::asString);
        List<LookalikeFormat> formats = LookalikeFormat.ofConfig(root);
        if (rank == null || alpha == null || targets == null || layers == null) {
            return new ConfigReading(baseModelName, Optional.empty(), violations, formats);
        }
        AdapterConfig config = new AdapterConfig(
                baseModelName,
                rank,
                alpha,
                rsLora,
                targets,
                Optional.ofNullable(excluded),
                layers,
                rankPattern,
                alphaPattern);
        return new ConfigReading(baseModelName, Optional.of(config), violations, formats);
    }

    private @Nullable JsonNode field(String name) {
        return root.get(name);
    }

    private static boolean isAbsent(@Nullable JsonNode node) {
        return node == null || node.isNull();
    }

    private void refuse(ViolationCode code, String message, String where) {
        violations.add(Violation.of(code, message, where));
    }

    private boolean flag(String name) {
        JsonNode node = field(name);
        if (node == null || node.isNull() || node.isBoolean()) {
            return node != null && node.asBoolean(false);
        }
        refuse(ViolationCode.CONFIG_FIELD_INVALID, "must be true or false, but is " + brief(node), name);
        return false;
    }

    private @Nullable Integer rank(@Nullable JsonNode node, String where) {
        if (node == null) {
            return DEFAULT_RANK_AND_ALPHA;
        }
        if (!node.isIntegralNumber() || !node.canConvertToInt() || node.asInt() < 1) {
            refuse(ViolationCode.RANK_INVALID, "a rank is a whole number from 1, but is " + brief(node), where);
            return null;
        }
        if (node.asInt() > limits.rankMax()) {
            refuse(
                    ViolationCode.RANK_TOO_LARGE,
                    "the rank is " + node.asInt() + ", at most " + limits.rankMax() + " is taken",
                    where);
            return null;
        }
        return node.asInt();
    }

    private @Nullable Double alpha(@Nullable JsonNode node, String where) {
        if (node == null) {
            return (double) DEFAULT_RANK_AND_ALPHA;
        }
        double alpha = node.isNumber() ? node.asDouble(Double.NaN) : Double.NaN;
        if (!(alpha >= ALPHA_MIN && alpha <= ALPHA_MAX)) {
            refuse(
                    ViolationCode.ALPHA_INVALID,
                    "alpha is a number from " + ALPHA_MIN + " to " + ALPHA_MAX + ", but is " + brief(node),
                    where);
            return null;
        }
        return alpha;
    }

    private @Nullable TargetModules targets() {
        JsonNode node = field("target_modules");
        if (node != null && node.isString() && node.asString().equalsIgnoreCase("all-linear")) {
            return new TargetModules.AllLinear();
        }
        TargetModules targets = isAbsent(node) ? null : modules(node, "target_modules");
        if (isAbsent(node)) {
            refuse(
                    ViolationCode.TARGET_MODULES_INVALID,
                    "must name the adapted modules: a list, a regular expression, or \"all-linear\"",
                    "target_modules");
        }
        return targets;
    }

    private @Nullable TargetModules excluded() {
        JsonNode node = field("exclude_modules");
        if (isAbsent(node)
                || (node != null
                        && (node.isArray() ? node.isEmpty() : node.asString("?").isEmpty()))) {
            return null;
        }
        return modules(node, "exclude_modules");
    }

    private @Nullable TargetModules modules(@Nullable JsonNode node, String where) {
        if (node != null && node.isString() && !node.asString().isEmpty()) {
            return isPattern(node.asString(), where) ? new TargetModules.Matching(node.asString()) : null;
        }
        List<String> names = strings(node);
        if (names == null || names.isEmpty()) {
            refuse(
                    ViolationCode.TARGET_MODULES_INVALID,
                    "must be a list of 1 to " + limits.listEntriesMax() + " names or a regular expression, but is "
                            + brief(node),
                    where);
            return null;
        }
        return new TargetModules.Named(names);
    }

    /** Null if it is not a list of non-empty strings of bearable length. */
    private @Nullable List<String> strings(@Nullable JsonNode node) {
        if (node == null || !node.isArray() || node.size() > limits.listEntriesMax()) {
            return null;
        }
        Set<String> names = new LinkedHashSet<>();
        for (JsonNode entry : node) {
            if (!entry.isString() || entry.asString().isEmpty()) {
                return null;
            }
            names.add(entry.asString());
        }
        return List.copyOf(names);
    }

    private boolean isPattern(String pattern, String where) {
        try {
            new PathPatterns(limits).compile(pattern);
            return true;
        } catch (PatternException e) {
            refuse(
                    ViolationCode.PATTERN_INVALID,
                    "'" + brief(pattern) + "' cannot be used as a regular expression: " + e.getMessage(),
                    where);
            return false;
        }
    }

    /** Null if layers or pattern are wrong. */
    private @Nullable LayerSelection layers(@Nullable TargetModules targets) {
        JsonNode layersNode = field("layers_to_transform");
        JsonNode patternNode = field("layers_pattern");
        TreeSet<Integer> layers = new TreeSet<>();
        List<String> patterns = new ArrayList<>();
        boolean layersRead = readLayers(layersNode, layers);
        boolean patternsRead = readLayerPatterns(patternNode, patterns);
        if (!layersRead || !patternsRead) {
            return null;
        }
        if (!patterns.isEmpty() && isAbsent(layersNode)) {
            refuse(ViolationCode.LAYERS_INVALID, "layers_pattern needs layers_to_transform", "layers_pattern");
            return null;
        }
        if (!isAbsent(layersNode) && targets != null && !(targets instanceof TargetModules.Named)) {
            refuse(
                    ViolationCode.LAYERS_INVALID,
                    "layers_to_transform can only be used if target_modules is a list",
                    "layers_to_transform");
            return null;
        }
        return new LayerSelection(layers, patterns);
    }

    private boolean readLayers(@Nullable JsonNode node, Set<Integer> layers) {
        if (node == null || node.isNull()) {
            return true;
        }
        List<JsonNode> entries = new ArrayList<>();
        if (node.isArray() && node.size() <= limits.listEntriesMax()) {
            node.forEach(entries::add);
        } else {
            entries.add(node);
        }
        for (JsonNode entry : entries) {
            if (!entry.isIntegralNumber() || !entry.canConvertToInt() || entry.asInt() < 0) {
                refuse(
                        ViolationCode.LAYERS_INVALID,
                        "must be a layer's index or a list of them, but is " + brief(node),
                        "layers_to_transform");
                return false;
            }
            layers.add(entry.asInt());
        }
        return true;
    }

    private boolean readLayerPatterns(@Nullable JsonNode node, List<String> patterns) {
        if (node == null || node.isNull() || node.asString("?").isEmpty()) {
            return true;
        }
        List<String> read = node.isString() ? List.of(node.asString()) : strings(node);
        if (read == null) {
            refuse(
                    ViolationCode.LAYERS_INVALID,
                    "must be a name or a list of names, but is " + brief(node),
                    "layers_pattern");
            return false;
        }
        for (String pattern : read) {
            if (!isPattern(pattern, "layers_pattern")) {
                return false;
            }
        }
        patterns.addAll(read);
        return true;
    }

    private <T> Map<String, T> pattern(String name, Function<JsonNode, @Nullable T> read) {
        Map<String, T> values = new LinkedHashMap<>();
        JsonNode node = field(name);
        if (node == null || node.isNull()) {
            return values;
        }
        if (!node.isObject() || node.size() > limits.listEntriesMax()) {
            refuse(ViolationCode.CONFIG_FIELD_INVALID, "must be an object, but is " + brief(node), name);
            return values;
        }
        for (Map.Entry<String, JsonNode> entry : node.properties()) {
            T value = read.apply(entry.getValue());
            if (isPattern(entry.getKey(), name) && value != null) {
                values.put(entry.getKey(), value);
            }
        }
        return values;
    }

    private static String brief(@Nullable Object value) {
        String text = String.valueOf(value);
        return text.length() <= 80 ? text : text.substring(0, 80) + "…";
    }
}
