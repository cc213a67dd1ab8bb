package io.quiver.objectstore.minio;

import io.minio.PutObjectArgs;
import io.quiver.objectstore.ObjectKey;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/**
 * A stream on its way into the store: in one request if it fits into a part, else as a multipart upload that appears as a
 * whole when it is complete and is taken back when anything fails.
 *
 * <p>The source is read on the caller's thread, never on the client's: the client has a bounded number of threads for a
 * store, and a source that stalls would keep one of them. One part is held on the heap at a time, so any request can be
 * sent again.
 */
final class PartwiseUpload {
    /** The longest array that every Java platform has. */
    private static final int LENGTH_MAX = Integer.MAX_VALUE - 8;

    private final Requests requests;
    private final String bucket;
    private final ObjectKey key;
    private final InputStream source;

    PartwiseUpload(Requests requests, String bucket, ObjectKey key, InputStream source) {
        this.requests = requests;
        this.bucket = bucket;
        this.key = key;
        this.source = source;
    }

    /**
     * Stores exactly {@code sizeBytes} bytes of the source.
     *
     * @param partBytes the smallest size of a part; larger when the upload would have too many parts
     */
    void store(long sizeBytes, int partBytes) {
        long lengthOfPart =
                Math.max(partBytes, (sizeBytes + MultipartUpload.PART_COUNT_MAX - 1) / MultipartUpload.PART_COUNT_MAX);
        if (lengthOfPart > LENGTH_MAX) {
            throw new IllegalArgumentException(sizeBytes + " bytes are too many for one object");
        }
        // One byte more than a small object: a buffer that is not full means that all of it is there.
        byte[] buffer = new byte[(int) Math.min(sizeBytes + 1, lengthOfPart)];
        long stored = store(new Bounded(sizeBytes), buffer);
        if (stored != sizeBytes) {
            throw new IllegalStateException("stored " + stored + " bytes of " + sizeBytes + " under " + key);
        }
    }

    /** Stores all that the source holds; returns the number of bytes. */
    long storeAll(int partBytes) {
        return store(length -> length, new byte[partBytes]);
    }

    /** Says how many bytes to read when there is room for so many. */
    private interface Demand {
        int of(int roomBytes);
    }

    /** Asks for as many bytes as were promised, and no more. */
    private static final class Bounded implements Demand {
        private long leftBytes;

        Bounded(long sizeBytes) {
            leftBytes = sizeBytes;
        }

        @Override
        public int of(int roomBytes) {
            int wanted = (int) Math.min(roomBytes, leftBytes);
            leftBytes -= wanted;
            return wanted;
        }
    }

    private long store(Demand demand, byte[] buffer) {
        int length = read(demand, buffer);
        if (length < buffer.length) {
            storeWhole(buffer, length);
            return length;
        }
        return storeParts(demand, buffer);
    }

    private void storeWhole(byte[] content, int length) {
        requests.send(
                "store " + key,
                null,
                client -> client.putObject(PutObjectArgs.builder()
                        .bucket(bucket)
                        .object(key.value())
                        .contentType(MultipartUpload.CONTENT_TYPE)
                        .data(content, length)
                        .build()));
    }

    /** @param buffer full with the first part */
    private long storeParts(Demand demand, byte[] buffer) {
        MultipartUpload upload = MultipartUpload.ofBytes(requests, bucket, key);
        try {
            long storedBytes = 0;
            int length = buffer.length;
            while (length > 0) {
                upload.addBytes(buffer, length);
                storedBytes += length;
                length = length < buffer.length ? 0 : read(demand, buffer);
            }
            upload.complete();
            return storedBytes;
        } catch (RuntimeException | Error e) {
            upload.abort(e);
            throw e;
        }
    }

    /** Fills the buffer as far as the demand goes or, without a promised size, the source. */
    private int read(Demand demand, byte[] buffer) {
        int wanted = demand.of(buffer.length);
        try {
            int length = source.readNBytes(buffer, 0, wanted);
            if (length < wanted && demand instanceof Bounded bounded) {
                throw new EOFException("the source ended " + (bounded.leftBytes + wanted - length)
                        + " bytes before its promised size");
            }
            return length;
        } catch (IOException e) {
            throw new UncheckedIOException("the source of " + key + " broke off: " + e.getMessage(), e);
        }
    }
}
