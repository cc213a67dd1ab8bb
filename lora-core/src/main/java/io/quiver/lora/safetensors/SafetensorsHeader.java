package io.quiver.lora.safetensors;

import java.io.IOException;
import java.io.InputStream;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a safetensors file says about itself: its tensors in the order of their bytes, without overlap or hole, and free text.
 * Immutable. Format: eight bytes with the header's length (little-endian), the header as JSON, the tensors' data.
 */
public final class SafetensorsHeader {
    /** Bytes in front of the JSON. */
    public static final int LENGTH_BYTES = 8;

    private final List<TensorInfo> tensors;
    private final SortedMap<String, String> metadata;
    private final long dataOffsetBytes;
    private final Map<String, TensorInfo> byName = new HashMap<>();

    SafetensorsHeader(List<TensorInfo> tensors, Map<String, String> metadata, long dataOffsetBytes) {
        this.tensors = List.copyOf(tensors);
        this.metadata = Collections.unmodifiableSortedMap(new TreeMap<>(metadata));
        this.dataOffsetBytes = dataOffsetBytes;
        for (TensorInfo tensor : tensors) {
            byName.put(tensor.name(), tensor);
        }
    }

    /**
     * Reads a header's JSON strictly.
     *
     * @param json the bytes after the length, {@code length} of them
     * @throws InvalidSafetensorsException with every defect found
     */
    public static SafetensorsHeader parse(byte[] json, SafetensorsLimits limits) {
        if (json.length > limits.headerBytesMax()) {
            throw tooLarge(json.length, limits);
        }
        return new HeaderParser(json, limits).parse();
    }

    /**
     * Reads the header at the beginning of a file; the stream stands at the first tensor's data afterwards.
     *
     * @throws InvalidSafetensorsException if it is not valid, or exceeds the limits
     * @throws IOException if the stream cannot be read
     */
    public static SafetensorsHeader read(InputStream in, SafetensorsLimits limits) throws IOException {
        byte[] length = in.readNBytes(LENGTH_BYTES);
        if (length.length < LENGTH_BYTES) {
            throw SafetensorsFile.truncated(length.length, LENGTH_BYTES);
        }
        long lengthBytes = (long) Elements.LONGS.get(length, 0);
        checkLength(lengthBytes, limits);
        byte[] json = in.readNBytes((int) lengthBytes);
        if (json.length < lengthBytes) {
            throw SafetensorsFile.truncated((long) LENGTH_BYTES + json.length, LENGTH_BYTES + lengthBytes);
        }
        return parse(json, limits);
    }

    /**
     * Checks the length in front of the JSON.
     *
     * @param lengthBytes as read from the file, taken as signed: huge lengths are negative
     * @throws InvalidSafetensorsException if it is above the limit
     */
    static void checkLength(long lengthBytes, SafetensorsLimits limits) {
        if (lengthBytes < 0 || lengthBytes > limits.headerBytesMax()) {
            throw tooLarge(lengthBytes, limits);
        }
    }

    private static InvalidSafetensorsException tooLarge(long lengthBytes, SafetensorsLimits limits) {
        return new InvalidSafetensorsException(
                DefectCode.HEADER_TOO_LARGE,
                "the header claims " + Long.toUnsignedString(lengthBytes) + " bytes, at most " + limits.headerBytesMax()
                        + " are read");
    }

    /**
     * Checks that a file of this size holds exactly the data that the header describes.
     *
     * @throws InvalidSafetensorsException if the file is shorter or longer
     */
    public void checkFileSize(long fileSizeBytes) {
        long expected = dataOffsetBytes + dataSizeBytes();
        if (fileSizeBytes < expected) {
            throw new InvalidSafetensorsException(
                    DefectCode.TRUNCATED_DATA,
                    "the file has " + fileSizeBytes + " bytes, its header describes " + expected);
        }
        if (fileSizeBytes > expected) {
            throw new InvalidSafetensorsException(
                    DefectCode.TRAILING_BYTES,
                    "the file has " + fileSizeBytes + " bytes, its header describes only " + expected);
        }
    }

    /** In the order of their bytes. */
    public List<TensorInfo> tensors() {
        return tensors;
    }

    public Optional<TensorInfo> find(String name) {
        return Optional.ofNullable(byName.get(name));
    }

    /** @throws NoSuchElementException if there is no such tensor */
    public TensorInfo tensor(String name) {
        return find(name).orElseThrow(() -> new NoSuchElementException("no tensor " + name));
    }

    /** Free text by key; empty if the file has none. */
    public SortedMap<String, String> metadata() {
        return metadata;
    }

    /** Where the data begins, from the start of the file. */
    public long dataOffsetBytes() {
        return dataOffsetBytes;
    }

    /** Bytes of all tensors together. */
    public long dataSizeBytes() {
        return tensors.isEmpty() ? 0 : tensors.get(tensors.size() - 1).endBytes();
    }
}
