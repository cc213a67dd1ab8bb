package io.quiver.registry;

import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.objectstore.ObjectStoreException;
import io.quiver.schemas.Digest;
import io.quiver.schemas.StoredFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files of one upload on their way in: they lie under {@code uploads/} until they are kept as blobs, and closing deletes
 * what lies there, so that a refused upload leaves nothing. Without a store they are only read. For one thread.
 */
final class StagedFiles implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StagedFiles.class);

    /** A file that lies at a key, or, if it is small, here. */
    private record Staged(StoredFile file, ObjectKey at, byte[] content) {}

    private static final byte[] IN_STORE = {};

    private final ObjectStore store;
    private final boolean dry;
    private final UUID uploadId;
    private final List<Staged> staged = new ArrayList<>();
    private final List<ObjectKey> written = new ArrayList<>();

    private StagedFiles(ObjectStore store, boolean dry, UUID uploadId) {
        this.store = store;
        this.dry = dry;
        this.uploadId = uploadId;
    }

    static StagedFiles in(ObjectStore store, UUID uploadId) {
        return new StagedFiles(store, false, uploadId);
    }

    /** Files that are read to their end and hashed, but never stored. */
    static StagedFiles nowhere(ObjectStore store) {
        return new StagedFiles(store, true, new UUID(0, 0));
    }

    /** Takes a file of any size in; never holds it whole. */
    StoredFile stream(String name, InputStream content, long bytesMax, HashingInputStream.Observer observer) {
        HashingInputStream hashed = new HashingInputStream(name, content, bytesMax, observer);
        ObjectKey key = ObjectKey.upload(uploadId.toString(), staged.size());
        if (dry) {
            try {
                hashed.transferTo(OutputStream.nullOutputStream());
            } catch (IOException e) {
                throw new RegistryException(ProblemCode.UPLOAD_BROKEN_OFF, name + ": " + e.getMessage());
            }
        } else {
            written.add(key);
            store.putStream(key, hashed);
        }
        StoredFile file = new StoredFile(name, hashed.digest(), hashed.sizeBytes());
        staged.add(new Staged(file, key, IN_STORE));
        return file;
    }

    /** Takes a small file in, which the caller wants to read. */
    StoredFile hold(String name, byte[] content) {
        StoredFile file = new StoredFile(name, Digest.of(content), content.length);
        staged.add(new Staged(file, ObjectKey.upload(uploadId.toString(), staged.size()), content));
        return file;
    }

    /** Reads a small part whole. */
    static byte[] readWhole(String name, InputStream content, long bytesMax) {
        try {
            return new HashingInputStream(name, content, bytesMax, (bytes, offset, length) -> {}).readAllBytes();
        } catch (IOException e) {
            throw new RegistryException(ProblemCode.UPLOAD_BROKEN_OFF, name + ": " + e.getMessage());
        }
    }

    /** Puts every file under its own digest, where it stays. Doing it twice changes nothing. */
    void keep() {
        if (dry) {
            throw new IllegalStateException("these files were only read");
        }
        for (Staged one : staged) {
            ObjectKey blob = ObjectKey.blob(one.file().digest().hex());
            boolean there = store.find(blob)
                    .filter(found -> found.sizeBytes() == one.file().sizeBytes())
                    .isPresent();
            if (there) {
                continue;
            }
            if (one.content() == IN_STORE) {
                store.copy(one.at(), blob);
            } else {
                store.put(blob, new ByteArrayInputStream(one.content()), one.content().length);
            }
        }
    }

    @Override
    public void close() {
        for (ObjectKey key : written) {
            try {
                store.delete(key);
            } catch (ObjectStoreException e) {
                LOG.warn("{} is left behind until the next sweep: {}", key, e.getMessage());
            }
        }
    }
}
