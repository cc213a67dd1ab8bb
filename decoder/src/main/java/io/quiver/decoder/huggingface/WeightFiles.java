package io.quiver.decoder.huggingface;

import io.quiver.decoder.UnsupportedModelException;
import io.quiver.lora.model.InvalidBaseModelException;
import io.quiver.lora.model.ShardIndex;
import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsHeader;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.lora.safetensors.TensorInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Where each tensor of a model folder lies: in {@code model.safetensors}, or in the shards that an index names. */
public final class WeightFiles {
    private final Map<String, TensorPlace> places;

    private WeightFiles(Map<String, TensorPlace> places) {
        this.places = places;
    }

    /**
     * A tensor in a file.
     *
     * @param offsetBytes its first byte, counted from the start of the file
     */
    public record TensorPlace(Path file, long offsetBytes, TensorInfo info) {}

    /**
     * Reads the headers of all weight files.
     *
     * @throws InvalidBaseModelException if the files do not fit together
     * @throws io.quiver.lora.safetensors.InvalidSafetensorsException if one is broken
     */
    public static WeightFiles of(Path folder) throws IOException {
        Path index = folder.resolve("model.safetensors.index.json");
        Map<String, TensorPlace> places = new HashMap<>();
        if (!Files.exists(index)) {
            addTo(places, folder.resolve("model.safetensors"), SafetensorsLimits.BASE_MODEL);
            return new WeightFiles(places);
        }
        if (Files.size(index) > ShardIndex.BYTES_MAX) {
            throw new UnsupportedModelException(index.getFileName().toString(), "larger than its limit");
        }
        ShardIndex shards = ShardIndex.parse(Files.readAllBytes(index));
        Map<String, SafetensorsHeader> headers = new HashMap<>();
        for (String name : shards.files()) {
            if (Files.exists(folder.resolve(name))) {
                headers.put(name, addTo(places, folder.resolve(name), SafetensorsLimits.BASE_MODEL));
            }
        }
        shards.check(headers);
        return new WeightFiles(places);
    }

    /** Reads the header of one file. */
    public static WeightFiles ofFile(Path file, SafetensorsLimits limits) throws IOException {
        Map<String, TensorPlace> places = new HashMap<>();
        addTo(places, file, limits);
        return new WeightFiles(places);
    }

    private static SafetensorsHeader addTo(Map<String, TensorPlace> places, Path path, SafetensorsLimits limits)
            throws IOException {
        try (SafetensorsFile file = SafetensorsFile.open(path, limits)) {
            SafetensorsHeader header = file.header();
            for (TensorInfo tensor : header.tensors()) {
                places.put(
                        tensor.name(), new TensorPlace(path, header.dataOffsetBytes() + tensor.beginBytes(), tensor));
            }
            return header;
        }
    }

    public boolean has(String tensor) {
        return places.containsKey(tensor);
    }

    /** @throws InvalidBaseModelException if there is no such tensor, or its shape is another */
    public TensorPlace find(String tensor, Long... shape) {
        TensorPlace place = places.get(tensor);
        if (place == null) {
            throw new InvalidBaseModelException(
                    InvalidBaseModelException.TENSOR_MISSING, tensor + ": the model has no such tensor");
        }
        if (!place.info().shape().equals(List.of(shape))) {
            throw new InvalidBaseModelException(
                    InvalidBaseModelException.SHAPE_INVALID,
                    tensor + " has the shape " + place.info().shape() + ", its configuration says " + List.of(shape));
        }
        return place;
    }

    /** Names of all tensors. */
    public Iterable<String> tensors() {
        return places.keySet();
    }
}
