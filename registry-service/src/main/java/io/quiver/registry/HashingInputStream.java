package io.quiver.registry;

import io.quiver.schemas.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;

/**
 * A stream that hashes, counts and shows to an observer what is read from it, and ends with {@code upload_too_large} when that
 * is more than a limit. Closing it does nothing: the part belongs to the upload.
 */
final class HashingInputStream extends InputStream {
    /** Sees the bytes as they pass. */
    interface Observer {
        void update(byte[] bytes, int offset, int length);
    }

    private final String name;
    private final InputStream source;
    private final long bytesMax;
    private final Observer observer;
    private final MessageDigest sha256 = Digest.sha256();
    private long sizeBytes;

    HashingInputStream(String name, InputStream source, long bytesMax, Observer observer) {
        this.name = name;
        this.source = source;
        this.bytesMax = bytesMax;
        this.observer = observer;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        int count = source.read(bytes, offset, length);
        if (count > 0) {
            sizeBytes += count;
            if (sizeBytes > bytesMax) {
                throw new RegistryException(
                        ProblemCode.UPLOAD_TOO_LARGE, name + " has more than " + bytesMax + " bytes");
            }
            sha256.update(bytes, offset, count);
            observer.update(bytes, offset, count);
        }
        return count;
    }

    long sizeBytes() {
        return sizeBytes;
    }

    /** The digest of all that was read. To be called once. */
    Digest digest() {
        return Digest.of(sha256);
    }
}
