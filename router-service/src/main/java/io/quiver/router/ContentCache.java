package io.quiver.router;

import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.schemas.Digest;
import io.quiver.schemas.PrototypeFileRef;
import io.quiver.schemas.StoredFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Files of the object store on the local disk, under their digests. Every file is checked against its digest whenever
 * it is asked for: one that is damaged is fetched again. Thread-safe, and several routers may share a directory: a file
 * appears whole or not at all.
 */
public final class ContentCache {
    private static final Pattern FILE_NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,254}");
    private static final int BUFFER_BYTES = 1 << 16;

    private final Path directory;
    private final ObjectStore store;

    public ContentCache(Path directory, ObjectStore store) {
        this.directory = directory;
        this.store = store;
    }

    /**
     * Brings some files together in one folder.
     *
     * @param digest of the set of files
     * @throws ContentMismatchException if the store has other bytes than promised, or a name is no plain file name
     */
    public Path folder(Digest digest, List<StoredFile> files) {
        Path folder = directory.resolve("folders").resolve(digest.hex());
        for (StoredFile file : files) {
            if (!FILE_NAME.matcher(file.name()).matches()) {
                throw new ContentMismatchException("not a plain file name: '" + file.name() + "'");
            }
            ensure(folder.resolve(file.name()), ObjectKey.blob(file.digest().hex()), file.digest(), file.sizeBytes());
        }
        return folder;
    }

    /** Brings a prototype file; it is known by its digest, whatever its key. */
    public Path prototypes(PrototypeFileRef file) {
        Path path = directory.resolve("prototypes").resolve(file.digest().hex() + ".safetensors");
        ensure(path, new ObjectKey(file.key()), file.digest(), file.sizeBytes());
        return path;
    }

    private void ensure(Path path, ObjectKey key, Digest digest, long sizeBytes) {
        try {
            if (Files.isRegularFile(path)
                    && Files.size(path) == sizeBytes
                    && digestOf(path).equals(digest)) {
                return;
            }
            Files.createDirectories(path.getParent());
            Path partial = Files.createTempFile(path.getParent(), ".fetching-", "");
            try {
                fetch(partial, key, digest, sizeBytes);
                Files.move(partial, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(partial);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot bring " + key + " to " + path, e);
        }
    }

    private void fetch(Path path, ObjectKey key, Digest digest, long sizeBytes) throws IOException {
        MessageDigest sha256 = Digest.sha256();
        long count = 0;
        try (InputStream in = store.get(key);
                OutputStream out = Files.newOutputStream(path)) {
            byte[] buffer = new byte[BUFFER_BYTES];
            for (int n = in.read(buffer); n >= 0 && count <= sizeBytes; n = in.read(buffer)) {
                sha256.update(buffer, 0, n);
                out.write(buffer, 0, n);
                count += n;
            }
        }
        Digest found = Digest.of(sha256);
        if (count != sizeBytes || !found.equals(digest)) {
            throw new ContentMismatchException("object " + key + " should have " + sizeBytes + " bytes with " + digest
                    + ", but has " + (count > sizeBytes ? "more" : count + " bytes with " + found));
        }
    }

    private static Digest digestOf(Path path) throws IOException {
        MessageDigest sha256 = Digest.sha256();
        try (InputStream in = Files.newInputStream(path)) {
            byte[] buffer = new byte[BUFFER_BYTES];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                sha256.update(buffer, 0, n);
            }
        }
        return Digest.of(sha256);
    }
}
