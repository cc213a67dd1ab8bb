package io.quiver.decoder.evidence;

import io.quiver.lora.evidence.GenericRequests;
import io.quiver.lora.evidence.ProbePoint;
import io.quiver.lora.evidence.TokenInputs;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * What the linear modules of many points read, on the disk: a file a point, of single-precision numbers, little-endian, token after
 * token. A model reads all requests once and every point is fitted alone, so that memory holds one point whatever their number. For one
 * thread.
 */
final class SpilledInputs implements AutoCloseable {
    private static final int BUFFER_BYTES = 1 << 20;

    private final Path folder;
    private final Map<ProbePoint, OutputStream> open = new TreeMap<>();

    /** @param folder that exists; the files in it are gone when this is closed */
    SpilledInputs(Path folder, Collection<ProbePoint> points) throws IOException {
        this.folder = folder;
        try {
            for (ProbePoint point : points) {
                open.put(point, new BufferedOutputStream(Files.newOutputStream(file(point)), 1 << 16));
            }
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    private Path file(ProbePoint point) {
        return folder.resolve(point.name() + ".inputs");
    }

    /** Adds what a point has read. */
    void add(ProbePoint point, float[] inputs) throws IOException { // (tokens, in)
        ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(inputs.length, Float.BYTES))
                .order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(inputs);
        Objects.requireNonNull(open.get(point), "the point takes inputs").write(bytes.array());
    }

    /**
     * Takes the inputs of a point into memory and off the disk.
     *
     * @param requests whose tokens were added, set after set
     */
    TokenInputs.Sets take(ProbePoint point, GenericRequests requests) throws IOException {
        Objects.requireNonNull(open.remove(point), "the point has inputs").close();
        int fit = tokens(requests, requests.fit());
        int statistics = tokens(requests, requests.statistics());
        int threshold = tokens(requests, requests.threshold());
        Path file = file(point);
        long sizeBytes = Files.size(file);
        long rowBytes = sizeBytes / (fit + statistics + threshold);
        int in = Math.toIntExact(rowBytes / Float.BYTES);
        if (in < 1 || sizeBytes != (long) (fit + statistics + threshold) * in * Float.BYTES) {
            throw new IllegalStateException(point + " has " + sizeBytes + " bytes of inputs, which are no rows of "
                    + (fit + statistics + threshold) + " tokens");
        }
        TokenInputs.Sets sets;
        try (InputStream bytes = new BufferedInputStream(Files.newInputStream(file), BUFFER_BYTES)) {
            sets = new TokenInputs.Sets(read(bytes, fit, in), read(bytes, statistics, in), read(bytes, threshold, in));
        }
        Files.delete(file);
        return sets;
    }

    private static int tokens(GenericRequests requests, List<int[]> set) {
        return Arrays.stream(requests.contentTokens(set)).sum();
    }

    private static TokenInputs read(InputStream bytes, int tokens, int in) throws IOException {
        float[] values = new float[Math.multiplyExact(tokens, in)];
        for (int done = 0; done < values.length; ) {
            int count = Math.min(values.length - done, BUFFER_BYTES / Float.BYTES);
            byte[] piece = bytes.readNBytes(count * Float.BYTES);
            ByteBuffer.wrap(piece)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asFloatBuffer()
                    .get(values, done, count);
            done += count;
        }
        return TokenInputs.of(in, values);
    }

    /** Deletes what was not taken. */
    @Override
    public void close() throws IOException {
        for (Map.Entry<ProbePoint, OutputStream> left : open.entrySet()) {
            left.getValue().close();
            Files.deleteIfExists(file(left.getKey()));
        }
        open.clear();
    }
}
