package io.quiver.lora.model;

import io.quiver.lora.safetensors.SafetensorsHeader;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Which file of a sharded model holds which tensor: {@code model.safetensors.index.json}.
 *
 * @param fileOfTensor file name by tensor name
 */
public record ShardIndex(SortedMap<String, String> fileOfTensor) {
    /** Bytes of an index that are read at most. */
    public static final int BYTES_MAX = 64 << 20;

    private static final Pattern FILE_NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,200}\\.safetensors");
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    public ShardIndex {
        fileOfTensor = Collections.unmodifiableSortedMap(new TreeMap<>(fileOfTensor));
    }

    /**
     * Reads an index; file names with a path are refused.
     *
     * @throws InvalidBaseModelException if it is not one
     */
    public static ShardIndex parse(byte[] json) {
        if (json.length > BYTES_MAX) {
            throw malformed("it has more than " + BYTES_MAX + " bytes");
        }
        JsonNode weightMap;
        try {
            weightMap = JSON.readTree(json).path("weight_map");
        } catch (JacksonException e) {
            throw malformed(e.getOriginalMessage());
        }
        if (!weightMap.isObject()) {
            throw malformed("it has no weight_map");
        }
        TreeMap<String, String> files = new TreeMap<>();
        for (Map.Entry<String, JsonNode> entry : weightMap.properties()) {
            JsonNode file = entry.getValue();
            if (!file.isString() || !FILE_NAME.matcher(file.asString()).matches()) {
                throw malformed("'" + file + "' is not the name of a safetensors file");
            }
            files.put(entry.getKey(), file.asString());
        }
        return new ShardIndex(files);
    }

    /** Names of the files, each once. */
    public SortedSet<String> files() {
        return new TreeSet<>(fileOfTensor.values());
    }

    /**
     * Checks that every tensor is in the file that this index says.
     *
     * @param headers by file name
     * @throws InvalidBaseModelException naming the first file or tensor that is missing
     */
    public void check(Map<String, SafetensorsHeader> headers) {
        fileOfTensor.forEach((tensor, file) -> {
            SafetensorsHeader header = headers.get(file);
            if (header == null) {
                throw new InvalidBaseModelException(
                        InvalidBaseModelException.SHARDS_INCOMPLETE, "the index names " + file + ", which is missing");
            }
            if (header.find(tensor).isEmpty()) {
                throw new InvalidBaseModelException(
                        InvalidBaseModelException.SHARDS_INCOMPLETE,
                        "the index says that " + file + " holds " + tensor);
            }
        });
    }

    private static InvalidBaseModelException malformed(String reason) {
        return new InvalidBaseModelException(
                InvalidBaseModelException.INDEX_MALFORMED, "the index cannot be read: " + reason);
    }
}
