package io.quiver.objectstore;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.function.Supplier;

/** Brings an object from a store to the disk, and proves on the way that it is the one that was promised. */
public final class FetchObject {
    private static final int BUFFER_BYTES = 1 << 16;

    private final ObjectStore store;

    public FetchObject(ObjectStore store) {
        this.store = store;
    }

    /**
     * Writes an object into a file, which is replaced; after a failure its content is unknown.
     *
     * @param sizeBytes promised; no more is read than one buffer beyond
     * @param sha256 promised, 64 hexadecimal digits in lower case
     * @throws ContentMismatchException if the object has another size or digest
     * @throws ObjectStoreException if the store failed
     * @throws UncheckedIOException if the connection or the disk failed
     */
    public void fetch(ObjectKey key, long sizeBytes, String sha256, Path file) {
        write(() -> store.get(key), "object " + key, sizeBytes, sha256, file);
    }

    /**
     * Writes the first bytes of an object into a file; no more than these are asked for. Else as {@link #fetch}.
     *
     * @param sizeBytes how many bytes
     * @param sha256 promised of just these bytes
     */
    public void fetchBeginning(ObjectKey key, long sizeBytes, String sha256, Path file) {
        write(() -> store.get(key, 0, sizeBytes), "the beginning of object " + key, sizeBytes, sha256, file);
    }

    private static void write(Supplier<InputStream> content, String what, long sizeBytes, String sha256, Path file) {
        MessageDigest digest = sha256();
        long count = 0;
        try (InputStream in = content.get();
                OutputStream out = Files.newOutputStream(file)) {
            byte[] buffer = new byte[BUFFER_BYTES];
            for (int n = in.read(buffer); n >= 0 && count <= sizeBytes; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
                out.write(buffer, 0, n);
                count += n;
            }
        } catch (IOException e) {
            throw new UncheckedIOException("fetching " + what + " broke off: " + e.getMessage(), e);
        }
        if (count > sizeBytes) {
            throw new ContentMismatchException(
                    what + " should have " + sizeBytes + " bytes with sha256:" + sha256 + ", but has more");
        }
        String found = HexFormat.of().formatHex(digest.digest());
        if (count != sizeBytes || !found.equals(sha256)) {
            throw new ContentMismatchException(what + " should have " + sizeBytes + " bytes with sha256:" + sha256
                    + ", but has " + count + " bytes with sha256:" + found);
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
