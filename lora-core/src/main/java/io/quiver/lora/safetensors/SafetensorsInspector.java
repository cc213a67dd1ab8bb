package io.quiver.lora.safetensors;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Reads a safetensors file while its bytes pass by, as in an upload: the header first, then every element of every tensor.
 * Holds the header, one finding per tensor and at most one element; never the data. The outcome does not depend on how the
 * bytes are cut into pieces. Not thread-safe.
 */
public final class SafetensorsInspector {
    /** The largest number that single precision, in which experts are served, can hold. */
    private static final long FLOAT_MAX_BITS = Double.doubleToLongBits(Float.MAX_VALUE);

    private final SafetensorsLimits limits;
    private final byte[] partial = new byte[8];
    private final ByteArrayOutputStream headerJson = new ByteArrayOutputStream();
    private int partialBytes;
    private long headerLengthBytes = -1;
    private long passedBytes;
    private @Nullable SafetensorsHeader header;
    private @Nullable InvalidSafetensorsException failure;

    private final List<TensorFinding> findings = new ArrayList<>();
    private long elementIndex;
    private long firstNotFiniteIndex = -1;
    private boolean allZero = true;

    public SafetensorsInspector(SafetensorsLimits limits) {
        this.limits = limits;
    }

    /** Takes the next {@code length} bytes. Never throws for what they hold: {@link #finish} does. */
    public void update(byte[] bytes, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        passedBytes += length;
        if (failure != null) {
            return;
        }
        try {
            int from = offset;
            int end = offset + length;
            if (header == null) {
                from = readHeader(bytes, from, end);
            }
            if (header != null) {
                readData(header, bytes, from, end);
            }
        } catch (InvalidSafetensorsException e) {
            failure = e;
        }
    }

    /** Whether the bytes so far cannot be the start of a valid file, so that reading on is of no use. */
    public boolean isHopeless() {
        return failure != null;
    }

    /**
     * What the file was, after its last byte.
     *
     * @throws InvalidSafetensorsException if it was not a valid file
     */
    public SafetensorsInspection finish() {
        if (failure != null) {
            throw failure;
        }
        if (header == null) {
            throw SafetensorsFile.truncated(
                    passedBytes, SafetensorsHeader.LENGTH_BYTES + Math.max(0, headerLengthBytes));
        }
        header.checkFileSize(passedBytes);
        completeTensors(header);
        return new SafetensorsInspection(header, findings);
    }

    /** Returns where the data goes on in {@code bytes}. */
    private int readHeader(byte[] bytes, int from, int end) {
        int position = from;
        if (headerLengthBytes < 0) {
            position += fillPartial(bytes, position, end, SafetensorsHeader.LENGTH_BYTES);
            if (partialBytes < SafetensorsHeader.LENGTH_BYTES) {
                return position;
            }
            partialBytes = 0;
            long lengthBytes = (long) Elements.LONGS.get(partial, 0);
            SafetensorsHeader.checkLength(lengthBytes, limits);
            headerLengthBytes = lengthBytes;
        }
        int take = (int) Math.min(end - position, headerLengthBytes - headerJson.size());
        headerJson.write(bytes, position, take);
        position += take;
        if (headerJson.size() == headerLengthBytes) {
            header = SafetensorsHeader.parse(headerJson.toByteArray(), limits);
            headerJson.reset();
        }
        return position;
    }

    private int fillPartial(byte[] bytes, int from, int end, int wanted) {
        int take = Math.min(end - from, wanted - partialBytes);
        System.arraycopy(bytes, from, partial, partialBytes, take);
        partialBytes += take;
        return take;
    }

    private void readData(SafetensorsHeader known, byte[] bytes, int from, int end) {
        int position = from;
        while (position < end) {
            completeTensors(known);
            if (findings.size() == known.tensors().size()) {
                return; // trailing bytes: told by finish()
            }
            TensorInfo tensor = known.tensors().get(findings.size());
            int width = tensor.dtype().elementBytes();
            if (partialBytes > 0) {
                position += fillPartial(bytes, position, end, width);
                if (partialBytes == width) {
                    partialBytes = 0;
                    scan(tensor.dtype(), partial, 0, 1);
                }
                continue;
            }
            int count = (int) Math.min((end - position) / width, tensor.elements() - elementIndex);
            if (count == 0) {
                position += fillPartial(bytes, position, end, width);
            } else {
                scan(tensor.dtype(), bytes, position, count);
                position += count * width;
            }
        }
    }

    /** Turns tensors whose last element has been read, and tensors without elements, into findings. */
    private void completeTensors(SafetensorsHeader known) {
        while (findings.size() < known.tensors().size()) {
            TensorInfo tensor = known.tensors().get(findings.size());
            if (elementIndex < tensor.elements()) {
                return;
            }
            findings.add(new TensorFinding(tensor, firstNotFiniteIndex, allZero));
            elementIndex = 0;
            firstNotFiniteIndex = -1;
            allZero = true;
        }
    }

    /** Looks at {@code count} whole elements. */
    private void scan(DType dtype, byte[] bytes, int from, int count) {
        boolean zero = true;
        int notFinite = -1;
        int width = dtype.elementBytes();
        for (int i = 0; i < count; i++) {
            int at = from + i * width;
            // The bits without the sign: zero for ±0; the greater the number, the greater, then infinity, then NaN.
            long magnitude;
            long firstBad;
            switch (dtype) {
                case F64 -> {
                    magnitude = (long) Elements.LONGS.get(bytes, at) & Long.MAX_VALUE;
                    firstBad = FLOAT_MAX_BITS + 1;
                }
                case F32 -> {
                    magnitude = (int) Elements.INTS.get(bytes, at) & 0x7fffffffL;
                    firstBad = 0x7f800000L;
                }
                case F16 -> {
                    magnitude = (short) Elements.SHORTS.get(bytes, at) & 0x7fffL;
                    firstBad = 0x7c00L;
                }
                case BF16 -> {
                    magnitude = (short) Elements.SHORTS.get(bytes, at) & 0x7fffL;
                    firstBad = 0x7f80L;
                }
                default -> {
                    magnitude = 0;
                    for (int b = 0; b < width; b++) {
                        magnitude |= bytes[at + b] & 0xffL;
                    }
                    firstBad = Long.MAX_VALUE;
                }
            }
            zero &= magnitude == 0;
            if (notFinite < 0 && magnitude >= firstBad) {
                notFinite = i;
            }
        }
        allZero &= zero;
        if (firstNotFiniteIndex < 0 && notFinite >= 0) {
            firstNotFiniteIndex = elementIndex + notFinite;
        }
        elementIndex += count;
    }
}
