package io.quiver.lora.model;

import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsHeader;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.lora.safetensors.TensorInfo;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The modules of a base model that an adapter can be held against.
 *
 * @param linear linear layers that can be adapted, by module path; never empty
 * @param apart paths of weights that look alike but are not adapted: embeddings and the output head
 */
public record BaseModules(SortedMap<String, LinearShape> linear, SortedSet<String> apart) {
    private static final String WEIGHT = ".weight";
    private static final Pattern EMBEDDING = Pattern.compile("(?i).*embed.*|wte|wpe|shared");
    private static final Pattern HEAD = Pattern.compile("lm_head|embed_out|score|classifier");
    private static final JsonMapper JSON = new JsonMapper();

    public BaseModules {
        linear = Collections.unmodifiableSortedMap(new TreeMap<>(linear));
        apart = Collections.unmodifiableSortedSet(new TreeSet<>(apart));
        if (linear.isEmpty()) {
            throw new InvalidBaseModelException(
                    InvalidBaseModelException.NO_LINEAR_LAYERS, "the model has no linear layers that could be adapted");
        }
    }

    /**
     * Finds the modules of a model by the names and shapes of its tensors: every floating-point {@code <path>.weight} with two
     * axes is a linear layer with W (out, in), unless its name says that it is an embedding or the head.
     *
     * @param headers of all files of the model
     * @throws InvalidBaseModelException if there is no linear layer, one without inputs or outputs, or two files with
     *     the same tensor
     */
    public static BaseModules of(Collection<SafetensorsHeader> headers) {
        TreeMap<String, LinearShape> linear = new TreeMap<>();
        TreeSet<String> apart = new TreeSet<>();
        Set<String> seen = new HashSet<>();
        for (SafetensorsHeader header : headers) {
            for (TensorInfo tensor : header.tensors()) {
                if (!seen.add(tensor.name())) {
                    throw new InvalidBaseModelException(
                            InvalidBaseModelException.DUPLICATE_TENSOR, "two files hold " + tensor.name());
                }
                if (!tensor.name().endsWith(WEIGHT)
                        || tensor.axes() != 2
                        || !tensor.dtype().isFloating()) {
                    continue;
                }
                String path = tensor.name().substring(0, tensor.name().length() - WEIGHT.length());
                if (isApart(path)) {
                    apart.add(path);
                } else {
                    linear.put(path, shape(tensor));
                }
            }
        }
        return new BaseModules(linear, apart);
    }

    /**
     * Finds the modules of a model in a Hugging Face folder: {@code model.safetensors}, or shards and their index.
     *
     * @throws InvalidBaseModelException if the files do not fit together
     * @throws io.quiver.lora.safetensors.InvalidSafetensorsException if one is broken
     */
    public static BaseModules ofFolder(Path folder) throws IOException {
        Path index = folder.resolve("model.safetensors.index.json");
        if (!Files.exists(index)) {
            try (SafetensorsFile file =
                    SafetensorsFile.open(folder.resolve("model.safetensors"), SafetensorsLimits.BASE_MODEL)) {
                return of(Set.of(file.header()));
            }
        }
        ShardIndex shards = ShardIndex.parse(Files.readAllBytes(index));
        Map<String, SafetensorsHeader> headers = new HashMap<>();
        for (String name : shards.files()) {
            Path shard = folder.resolve(name);
            if (Files.exists(shard)) {
                try (SafetensorsFile file = SafetensorsFile.open(shard, SafetensorsLimits.BASE_MODEL)) {
                    headers.put(name, file.header());
                }
            }
        }
        shards.check(headers);
        return of(headers.values());
    }

    private static boolean isApart(String path) {
        String last = path.substring(path.lastIndexOf('.') + 1);
        // "output" is a head only where nothing is around it: inside a block it is an ordinary projection.
        return EMBEDDING.matcher(last).matches() || HEAD.matcher(last).matches() || path.equals("output");
    }

    private static LinearShape shape(TensorInfo tensor) {
        long out = tensor.shape().get(0);
        long in = tensor.shape().get(1);
        if (Math.min(out, in) < 1 || Math.max(out, in) > Integer.MAX_VALUE) {
            throw new InvalidBaseModelException(
                    InvalidBaseModelException.SHAPE_INVALID, tensor.name() + " has the shape " + tensor.shape());
        }
        return new LinearShape((int) in, (int) out);
    }

    /** The shape of a linear layer; empty if the path names none that can be adapted. */
    public Optional<LinearShape> find(String path) {
        return Optional.ofNullable(linear.get(path));
    }

    /** {@code sha256:…} of all paths and shapes: equal for models that take the same adapters. */
    public String fingerprint() {
        StringBuilder text = new StringBuilder();
        linear.forEach((path, shape) -> text.append(path)
                .append(' ')
                .append(shape.in())
                .append(' ')
                .append(shape.out())
                .append('\n'));
        try {
            byte[] digest =
                    MessageDigest.getInstance("SHA-256").digest(text.toString().getBytes(StandardCharsets.UTF_8));
            return "sha256:" + HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** {@code {"linear": {path: [in, out]}, "apart": [path]}}, sorted. */
    public String toJson() {
        ObjectNode root = JSON.createObjectNode();
        ObjectNode modules = root.putObject("linear");
        linear.forEach((path, shape) -> modules.putArray(path).add(shape.in()).add(shape.out()));
        ArrayNode others = root.putArray("apart");
        apart.forEach(others::add);
        return JSON.writeValueAsString(root);
    }

    /**
     * Reads what {@link #toJson} wrote.
     *
     * @throws InvalidBaseModelException if it is something else
     */
    public static BaseModules fromJson(String json) {
        try {
            JsonNode root = JSON.readTree(json);
            TreeMap<String, LinearShape> linear = new TreeMap<>();
            for (Map.Entry<String, JsonNode> entry : root.required("linear").properties()) {
                JsonNode shape = entry.getValue();
                linear.put(
                        entry.getKey(),
                        new LinearShape(
                                shape.required(0).intValue(), shape.required(1).intValue()));
            }
            TreeSet<String> apart = new TreeSet<>();
            root.required("apart").forEach(path -> apart.add(path.stringValue()));
            return new BaseModules(linear, apart);
        } catch (JacksonException | IllegalArgumentException e) {
            throw new InvalidBaseModelException(
                    InvalidBaseModelException.MODULES_MALFORMED,
                    "the map of modules cannot be read: " + e.getMessage());
        }
    }
}
