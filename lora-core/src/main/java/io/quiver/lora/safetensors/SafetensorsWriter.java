package io.quiver.lora.safetensors;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Writes a safetensors file from tensors in memory. The same tensors and metadata give the same bytes, in whatever order they
 * were added: wide element types come first, so that every tensor is aligned, and of one width those that {@link #first} names, then
 * names in order. Not thread-safe.
 */
public final class SafetensorsWriter {
    private static final JsonFactory JSON = new JsonFactory();

    private final Map<String, Entry> entries = new HashMap<>();
    private final TreeMap<String, String> metadata = new TreeMap<>();
    private final Set<String> first = new HashSet<>();

    /**
     * A tensor whose bytes are made when they are written.
     *
     * @param data makes as many bytes as the shape takes, always the same
     */
    private record Entry(String name, DType dtype, List<Long> shape, Supplier<byte[]> data) {
        long sizeBytes() {
            return TensorInfo.count(shape) * dtype.elementBytes();
        }

        byte[] bytes() {
            byte[] bytes = data.get();
            if (bytes.length != sizeBytes()) {
                throw new IllegalArgumentException(
                        bytes.length + " bytes do not fill " + dtype + " " + shape + " of tensor " + name);
            }
            return bytes;
        }
    }

    public SafetensorsWriter metadata(String key, String value) {
        metadata.put(key, value);
        return this;
    }

    /** These tensors come before others whose elements are as wide. */
    public SafetensorsWriter first(Collection<String> names) {
        first.addAll(names);
        return this;
    }

    /** @param values row-major // (elements) */
    public SafetensorsWriter floats(String name, List<Long> shape, float[] values) {
        ByteBuffer buffer =
                ByteBuffer.allocate(Math.multiplyExact(values.length, 4)).order(ByteOrder.LITTLE_ENDIAN);
        buffer.asFloatBuffer().put(values);
        return tensor(name, DType.F32, shape, buffer.array());
    }

    /** @param values row-major // (elements) */
    public SafetensorsWriter doubles(String name, List<Long> shape, double[] values) {
        ByteBuffer buffer =
                ByteBuffer.allocate(Math.multiplyExact(values.length, 8)).order(ByteOrder.LITTLE_ENDIAN);
        buffer.asDoubleBuffer().put(values);
        return tensor(name, DType.F64, shape, buffer.array());
    }

    /** @param values row-major // (elements) */
    public SafetensorsWriter longs(String name, List<Long> shape, long[] values) {
        ByteBuffer buffer =
                ByteBuffer.allocate(Math.multiplyExact(values.length, 8)).order(ByteOrder.LITTLE_ENDIAN);
        buffer.asLongBuffer().put(values);
        return tensor(name, DType.I64, shape, buffer.array());
    }

    /**
     * Adds a tensor of any type.
     *
     * @param data little-endian, row-major // (elements × bytes per element)
     * @throws IllegalArgumentException if the bytes do not fill the shape, or the name is taken
     */
    public SafetensorsWriter tensor(String name, DType dtype, List<Long> shape, byte[] data) {
        if (TensorInfo.count(shape) * dtype.elementBytes() != data.length) {
            throw new IllegalArgumentException(
                    data.length + " bytes do not fill " + dtype + " " + shape + " of tensor " + name);
        }
        return add(new Entry(name, dtype, List.copyOf(shape), () -> data));
    }

    /**
     * Adds a tensor of binary16 numbers, each rounded to the nearest, that are made when they are written, so that of many large
     * tensors one is in memory at a time.
     *
     * @param values makes the elements, row-major, always the same; writing fails with an {@link IllegalArgumentException} if they
     *     do not fill the shape or one is too large for the type // (elements)
     */
    public SafetensorsWriter halves(String name, List<Long> shape, Supplier<float[]> values) {
        return add(new Entry(name, DType.F16, List.copyOf(shape), () -> halves(values.get(), name)));
    }

    private static byte[] halves(float[] values, String name) { // (elements) -> (bytes)
        byte[] bytes = new byte[Math.multiplyExact(values.length, 2)];
        for (int i = 0; i < values.length; i++) {
            short half = Elements.toFloat16(values[i]);
            if ((half & 0x7c00) == 0x7c00) {
                throw new IllegalArgumentException(values[i] + " in tensor " + name + " is no number of type F16");
            }
            Elements.SHORTS.set(bytes, 2 * i, half);
        }
        return bytes;
    }

    /** The same for single precision. */
    public SafetensorsWriter floats(String name, List<Long> shape, Supplier<float[]> values) {
        return add(new Entry(name, DType.F32, List.copyOf(shape), () -> {
            float[] elements = values.get();
            ByteBuffer buffer =
                    ByteBuffer.allocate(Math.multiplyExact(elements.length, 4)).order(ByteOrder.LITTLE_ENDIAN);
            buffer.asFloatBuffer().put(elements);
            return buffer.array();
        }));
    }

    /** The same for a tensor of any type whose bytes are there already, such as one of another file; little-endian. */
    public SafetensorsWriter tensor(String name, DType dtype, List<Long> shape, Supplier<byte[]> data) {
        return add(new Entry(name, dtype, List.copyOf(shape), data));
    }

    private SafetensorsWriter add(Entry entry) {
        if (entry.name().equals("__metadata__") || entries.putIfAbsent(entry.name(), entry) != null) {
            throw new IllegalArgumentException("the name " + entry.name() + " is taken");
        }
        return this;
    }

    public void writeTo(OutputStream out) throws IOException {
        List<Entry> ordered = new ArrayList<>(entries.values());
        ordered.sort(Comparator.comparingInt((Entry entry) -> -entry.dtype().elementBytes())
                .thenComparing(entry -> !first.contains(entry.name()))
                .thenComparing(Entry::name));
        byte[] header = header(ordered);
        out.write(ByteBuffer.allocate(SafetensorsHeader.LENGTH_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length)
                .array());
        out.write(header);
        for (Entry entry : ordered) {
            out.write(entry.bytes());
        }
    }

    public byte[] toBytes() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            writeTo(out);
        } catch (IOException e) {
            throw new UncheckedIOException("memory does not fail to be written", e);
        }
        return out.toByteArray();
    }

    /** JSON, padded with spaces so that the data begins at a multiple of eight. */
    private byte[] header(List<Entry> ordered) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), out)) {
            json.writeStartObject();
            if (!metadata.isEmpty()) {
                json.writeObjectPropertyStart("__metadata__");
                metadata.forEach(json::writeStringProperty);
                json.writeEndObject();
            }
            long position = 0;
            for (Entry entry : ordered) {
                json.writeObjectPropertyStart(entry.name());
                json.writeStringProperty("dtype", entry.dtype().name());
                json.writeArrayPropertyStart("shape");
                entry.shape().forEach(json::writeNumber);
                json.writeEndArray();
                json.writeArrayPropertyStart("data_offsets");
                json.writeNumber(position);
                position += entry.sizeBytes();
                json.writeNumber(position);
                json.writeEndArray();
                json.writeEndObject();
            }
            json.writeEndObject();
        }
        byte[] text = out.toByteArray();
        byte[] padded = Arrays.copyOf(text, (text.length + 7) / 8 * 8);
        Arrays.fill(padded, text.length, padded.length, (byte) ' ');
        return padded;
    }
}
