package io.quiver.decoder.torch;

import io.quiver.decoder.Precision;
import io.quiver.decoder.WeightCache;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file that keeps a model's matrices as the program's arena has them: a header, an index of the matrices, the matrices. A file of
 * another model, precision or layout, and one that is short or damaged, counts as none.
 *
 * <p>Numbers are little-endian: magic (8 bytes), layout (4), precision (4), the model's digest (32), matrices (8), first byte of the body (8),
 * bytes of the body (8), its CRC-32C (8); the index, four numbers of 8 bytes a matrix; the CRC-32C of all that (8). The body begins with a page.
 */
final class KeptWeights {
    private static final Logger LOG = LoggerFactory.getLogger(KeptWeights.class);

    /** Of the program's arena; files of another one are written anew. */
    private static final int LAYOUT = 1;

    private static final byte[] MAGIC = {'Q', 'U', 'I', 'V', 'E', 'R', 'W', '\n'};
    private static final int FIXED_BYTES = 80;
    /** Bytes in the index for each matrix: its type, rows, width and first byte in the body. */
    private static final int ENTRY_BYTES = 4 * Long.BYTES;

    private static final int MATRICES_MAX = 1 << 16;
    private static final int PAGE_BYTES = 4096;
    /** What is written at once: many large pages, so that the system may keep the file in such. */
    private static final int PIECE_BYTES = 64 << 20;

    private final Path file;
    private final byte[] digest; // (32)
    private final Precision precision;

    KeptWeights(WeightCache cache, Precision precision) {
        String hex = cache.modelDigest().substring("sha256:".length());
        file = cache.folder().resolve(hex + "-" + precision.name().toLowerCase(Locale.ROOT) + ".weights");
        digest = HexFormat.of().parseHex(hex);
        this.precision = precision;
    }

    /**
     * What a file says of itself.
     *
     * @param index of the matrices // (matrices, 4)
     * @param crc of the body
     */
    private record Header(long[] index, long firstByte, long bodyBytes, long crc) {}

    /**
     * Gives the program an arena that is the file.
     *
     * @return false if there is no file of these weights that is whole: the program has no arena then that could be used
     */
    boolean map(TensorProgram program) {
        try {
            Optional<Header> found = header();
            if (found.isEmpty()) {
                return false;
            }
            Header header = found.get();
            program.run(
                    "map_arena",
                    file.toAbsolutePath().toString(),
                    header.firstByte() + header.bodyBytes(),
                    header.firstByte(),
                    header.index());
            CRC32C sum = new CRC32C();
            inPieces(program, header.bodyBytes(), sum::update);
            if (sum.getValue() != header.crc()) {
                LOG.warn("{} is damaged and is written anew", file);
                return false;
            }
            if (2 * LargePages.bytesOf(file) < header.bodyBytes()) {
                program.run("copy_arena");
            }
            return true;
        } catch (IOException e) {
            LOG.warn("cannot read {}: {}", file, e.toString());
            return false;
        }
    }

    /** Writes the file from the program's arena. Where that fails, the next start has to do without. */
    void write(TensorProgram program) {
        try {
            Files.createDirectories(file.getParent());
            Path partial = Files.createTempFile(file.getParent(), ".packing-", "");
            try {
                try (FileChannel channel = FileChannel.open(partial, StandardOpenOption.WRITE)) {
                    write(program, channel);
                }
                Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(partial);
            }
        } catch (IOException | UncheckedIOException e) {
            LOG.warn("cannot keep the packed weights in {}: {}", file, e.toString());
        }
    }

    private void write(TensorProgram program, FileChannel channel) throws IOException {
        ByteBuffer index = ByteBuffer.wrap(bytesOf(program)).order(ByteOrder.LITTLE_ENDIAN);
        int headerBytes = FIXED_BYTES + index.capacity() + Long.BYTES;
        long firstByte = (headerBytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
        int last = index.capacity() - ENTRY_BYTES;
        long bodyBytes = index.getLong(last + 3 * Long.BYTES) + bytes(index, last);
        CRC32C sum = new CRC32C();
        channel.position(firstByte);
        inPieces(program, bodyBytes, piece -> {
            sum.update(piece.duplicate());
            writeAll(channel, piece);
        });
        ByteBuffer header = ByteBuffer.allocate(headerBytes).order(ByteOrder.LITTLE_ENDIAN);
        header.put(MAGIC).putInt(LAYOUT).putInt(precision.ordinal()).put(digest);
        header.putLong(index.capacity() / ENTRY_BYTES).putLong(firstByte).putLong(bodyBytes);
        header.putLong(sum.getValue()).put(index);
        CRC32C ofHeader = new CRC32C();
        ofHeader.update(header.array(), 0, header.position());
        header.putLong(ofHeader.getValue());
        channel.position(0);
        writeAll(channel, header.flip());
    }

    private static void writeAll(FileChannel channel, ByteBuffer bytes) {
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] bytesOf(TensorProgram program) {
        byte[][] copy = new byte[1][];
        program.look("arena_numbers", bytes -> {
            copy[0] = new byte[bytes.remaining()];
            bytes.get(copy[0]);
        });
        return copy[0];
    }

    /** Bytes of the matrix whose entry begins there. */
    private static long bytes(ByteBuffer index, int entry) {
        long elements = index.getLong(entry + Long.BYTES) * index.getLong(entry + 2 * Long.BYTES);
        return elements * Stage.elementBytes((int) index.getLong(entry));
    }

    private static void inPieces(TensorProgram program, long bytes, Consumer<ByteBuffer> reader) {
        for (long first = 0; first < bytes; first += PIECE_BYTES) {
            program.look("arena_bytes", reader, first, Math.min(PIECE_BYTES, bytes - first));
        }
    }

    private Optional<Header> header() throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer fixed = read(channel, FIXED_BYTES);
            byte[] magic = new byte[MAGIC.length];
            fixed.get(magic);
            int layout = fixed.getInt();
            int kind = fixed.getInt();
            byte[] model = new byte[digest.length];
            fixed.get(model);
            if (!Arrays.equals(magic, MAGIC)
                    || layout != LAYOUT
                    || kind != precision.ordinal()
                    || !Arrays.equals(model, digest)) {
                return Optional.empty();
            }
            long matrices = fixed.getLong();
            long firstByte = fixed.getLong();
            long bodyBytes = fixed.getLong();
            long crc = fixed.getLong();
            if (matrices < 1 || matrices > MATRICES_MAX || channel.size() != firstByte + bodyBytes) {
                return Optional.empty();
            }
            int summedBytes = FIXED_BYTES + (int) matrices * ENTRY_BYTES;
            ByteBuffer header = read(channel, summedBytes + Long.BYTES);
            CRC32C sum = new CRC32C();
            sum.update(header.array(), 0, summedBytes);
            if (header.getLong(summedBytes) != sum.getValue()) {
                return Optional.empty();
            }
            long[] index = new long[(int) matrices * ENTRY_BYTES / Long.BYTES];
            header.position(FIXED_BYTES).asLongBuffer().get(index);
            return Optional.of(new Header(index, firstByte, bodyBytes, crc));
        } catch (NoSuchFileException | EOFException e) {
            return Optional.empty();
        }
    }

    /** The first bytes of the file. */
    private static ByteBuffer read(FileChannel channel, int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, buffer.position()) < 0) {
                throw new EOFException("the file ends within its header");
            }
        }
        return buffer.flip();
    }
}
