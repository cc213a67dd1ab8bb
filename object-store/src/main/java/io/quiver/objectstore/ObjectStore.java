package io.quiver.objectstore;

import java.io.InputStream;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Named bytes, kept durably. Thread-safe. A put is atomic: a reader sees the whole object or none. Every method throws
 * {@link ObjectStoreException} when the store cannot be reached or refuses, after bounded retries where that is safe.
 * Keep it small: what an S3 server of any make can do.
 */
public interface ObjectStore extends AutoCloseable {
    /** Makes the bucket if it is not there; waits about a minute for a store that is still starting. */
    void ensureBucket();

    /**
     * Stores a stream of known length, replacing what was there. The stream is read once, on the caller's thread, never
     * held whole on the heap, not read further than {@code sizeBytes}, and not closed. A stream that fails or ends too
     * soon leaves no object; its {@link java.io.IOException} comes out as {@link java.io.UncheckedIOException}, so that a
     * broken source is told from a broken store.
     */
    void put(ObjectKey key, InputStream content, long sizeBytes);

    /** Stores a stream of unknown length in parts; returns the bytes stored. Else as {@link #put}. */
    long putStream(ObjectKey key, InputStream content);

    /** Opens an object. The caller closes the stream. Throws {@link ObjectNotFoundException}. */
    InputStream get(ObjectKey key);

    /**
     * Opens {@code lengthBytes} bytes from {@code offsetBytes}, fewer if the object ends before. The caller closes the
     * stream. Throws {@link ObjectNotFoundException}, and {@link ObjectStoreException} if the object ends before the offset.
     */
    InputStream get(ObjectKey key, long offsetBytes, long lengthBytes);

    Optional<ObjectInfo> find(ObjectKey key);

    /**
     * Copies within the store without the bytes passing through here; replaces the target. Throws
     * {@link ObjectNotFoundException} if there is no source.
     */
    void copy(ObjectKey from, ObjectKey to);

    /** Deletes; what is not there is as good as deleted. */
    void delete(ObjectKey key);

    /** All objects whose key starts with the prefix, in the order of their keys. */
    List<ObjectInfo> list(String prefix);

    @Override
    void close();

    record ObjectInfo(ObjectKey key, long sizeBytes, Instant modifiedAt) {}
}
