package io.quiver.lora.safetensors;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A safetensors file on disk whose tensors are mapped into memory one by one, so that it may be larger than 2 GiB. Thread-safe.
 * Buffers stay valid after {@link #close()}; the file must not be truncated while they are used.
 */
public final class SafetensorsFile implements AutoCloseable {
    private static final int PIECE_BYTES = 1 << 20;
    private static final long COPIED_BYTES_MAX = 16L << 20;

    private final FileChannel channel;
    private final SafetensorsHeader header;

    private SafetensorsFile(FileChannel channel, SafetensorsHeader header) {
        this.channel = channel;
        this.header = header;
    }

    /**
     * Opens a file and checks its header against its size.
     *
     * @throws InvalidSafetensorsException if the file is not valid or exceeds the limits
     * @throws IOException if it cannot be read
     */
    public static SafetensorsFile open(Path path, SafetensorsLimits limits) throws IOException {
        SafetensorsFile file = openBeginning(path, limits);
        try {
            file.header.checkFileSize(file.channel.size());
            return file;
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    /**
     * Opens a file of which perhaps only the first bytes are there, with the whole header among them. Tensors that are not there
     * cannot be read.
     *
     * @throws InvalidSafetensorsException if the header is not valid or exceeds the limits
     * @throws IOException if it cannot be read
     */
    public static SafetensorsFile openBeginning(Path path, SafetensorsLimits limits) throws IOException {
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
        try {
            return new SafetensorsFile(channel, readHeader(channel, limits));
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static SafetensorsHeader readHeader(FileChannel channel, SafetensorsLimits limits) throws IOException {
        long fileSizeBytes = channel.size();
        if (fileSizeBytes < SafetensorsHeader.LENGTH_BYTES) {
            throw truncated(fileSizeBytes, SafetensorsHeader.LENGTH_BYTES);
        }
        long lengthBytes = read(channel, 0, SafetensorsHeader.LENGTH_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
        SafetensorsHeader.checkLength(lengthBytes, limits);
        if (fileSizeBytes < SafetensorsHeader.LENGTH_BYTES + lengthBytes) {
            throw truncated(fileSizeBytes, SafetensorsHeader.LENGTH_BYTES + lengthBytes);
        }
        byte[] json =
                read(channel, SafetensorsHeader.LENGTH_BYTES, (int) lengthBytes).array();
        return SafetensorsHeader.parse(json, limits);
    }

    static InvalidSafetensorsException truncated(long fileSizeBytes, long neededBytes) {
        return new InvalidSafetensorsException(
                DefectCode.TRUNCATED_HEADER,
                "the file has " + fileSizeBytes + " bytes, its header alone takes " + neededBytes);
    }

    private static ByteBuffer read(FileChannel channel, long position, int sizeBytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(sizeBytes);
        while (buffer.position() < sizeBytes) {
            // Java keeps direct memory as large as the largest piece for each thread that reads.
            buffer.limit(Math.min(sizeBytes, buffer.position() + PIECE_BYTES));
            if (channel.read(buffer, position + buffer.position()) < 0) {
                throw new IOException("the file became shorter while it was read");
            }
        }
        return buffer.flip();
    }

    public SafetensorsHeader header() {
        return header;
    }

    /**
     * The bytes of a tensor, read-only and little-endian: a large one is mapped from the file, others are copied, since a mapping takes
     * memory until the collector finds it.
     *
     * @throws IllegalArgumentException if the tensor has 2 GiB or more, or lies where the file was cut off
     * @throws java.util.NoSuchElementException if there is no such tensor
     */
    public ByteBuffer bytes(String name) throws IOException {
        TensorInfo tensor = header.tensor(name);
        if (tensor.sizeBytes() > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("tensor " + name + " is too large for one buffer");
        }
        if (header.dataOffsetBytes() + tensor.endBytes() > channel.size()) {
            throw new IllegalArgumentException(
                    "tensor " + name + " lies beyond the " + channel.size() + " bytes of the file that are there");
        }
        if (tensor.sizeBytes() <= COPIED_BYTES_MAX) {
            return read(channel, header.dataOffsetBytes() + tensor.beginBytes(), (int) tensor.sizeBytes())
                    .asReadOnlyBuffer()
                    .order(ByteOrder.LITTLE_ENDIAN);
        }
        return channel.map(
                        FileChannel.MapMode.READ_ONLY,
                        header.dataOffsetBytes() + tensor.beginBytes(),
                        tensor.sizeBytes())
                .order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * The elements of a tensor of type F16, BF16, F32 or F64, row-major; F64 is rounded.
     *
     * @return // (elements)
     * @throws IllegalArgumentException for another type
     */
    public float[] floats(String name) throws IOException {
        return Elements.floats(bytes(name), header.tensor(name).dtype());
    }

    /**
     * The elements of a tensor of type F16, BF16, F32 or F64, row-major, exact.
     *
     * @return // (elements)
     * @throws IllegalArgumentException for another type
     */
    public double[] doubles(String name) throws IOException {
        return Elements.doubles(bytes(name), header.tensor(name).dtype());
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
