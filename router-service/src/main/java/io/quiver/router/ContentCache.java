package io.quiver.router;

import io.quiver.objectstore.ContentMismatchException;
import io.quiver.objectstore.FetchObject;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.PrototypeFileRef;
import io.quiver.schemas.RoutingPart;
import io.quiver.schemas.StoredFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

/**
 * Files of the object store on the local disk, under their digests. A file is checked against its digest when it is first
 * asked for, and again when it has been written since: one that is damaged is fetched again. Beyond a limit of bytes, what was
 * used longest ago goes. Thread-safe, and several routers may share a directory: a file appears whole or not at all.
 */
public final class ContentCache {
    private static final Pattern FILE_NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,254}");
    private static final int BUFFER_BYTES = 1 << 16;

    private final Path directory;
    private final FetchObject fetchObject;
    private final Clock clock;
    private final TrimmedDirectory entries;
    /** What files looked like when their digests were right. */
    private final Map<Path, Seen> verified = new ConcurrentHashMap<>();

    /** @param fileKey of the file system, null where it has none */
    private record Seen(long sizeBytes, FileTime modified, Object fileKey) {
        static Seen of(Path path) throws IOException {
            BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
            return new Seen(
                    attributes.size(),
                    attributes.lastModifiedTime(),
                    Objects.requireNonNullElse(attributes.fileKey(), ""));
        }
    }

    /** Brings the promised bytes, or throws. */
    private interface Fetch {
        void into(ObjectKey key, long sizeBytes, String sha256, Path file);
    }

    /** Keeps files from being deleted until it is closed. */
    @FunctionalInterface
    public interface Hold extends AutoCloseable {
        @Override
        void close();
    }

    /** A file or folder that stays until this is closed. */
    public final class Held implements Hold {
        private final Path path;

        private Held(Path path) {
            this.path = path;
            entries.hold(path);
        }

        public Path path() {
            return path;
        }

        @Override
        public void close() {
            entries.release(path);
        }
    }

    /**
     * @param clock says when something was used
     * @param bytesMax of all files together, but for those that are held
     */
    public ContentCache(Path directory, ObjectStore store, Clock clock, long bytesMax) {
        this.directory = directory;
        this.fetchObject = new FetchObject(store);
        this.clock = clock;
        this.entries = new TrimmedDirectory(
                List.of(
                        directory.resolve("folders"),
                        directory.resolve("prototypes"),
                        directory.resolve("calibrations")),
                bytesMax);
    }

    /**
     * Brings some files together in one folder.
     *
     * @param digest of the set of files
     * @throws ContentMismatchException if the store has other bytes than promised, or a name is no plain file name
     */
    public Held folder(Digest digest, List<StoredFile> files) {
        Held held = new Held(directory.resolve("folders").resolve(digest.hex()));
        try {
            boolean fetched = false;
            for (StoredFile file : files) {
                if (!FILE_NAME.matcher(file.name()).matches()) {
                    throw new ContentMismatchException("not a plain file name: '" + file.name() + "'");
                }
                fetched |= ensure(
                        held.path.resolve(file.name()),
                        ObjectKey.blob(file.digest().hex()),
                        file.digest(),
                        file.sizeBytes(),
                        fetchObject::fetch);
            }
            used(held.path, fetched);
            return held;
        } catch (RuntimeException e) {
            held.close();
            throw e;
        }
    }

    /** Brings a prototype file; it is known by its digest, whatever its key. */
    public Held prototypes(PrototypeFileRef file) {
        return file("prototypes", file.key(), file.digest(), file.sizeBytes(), fetchObject::fetch);
    }

    /** Brings what a router reads of the calibration of a base model; it is known by its digest, whatever its key. */
    public Held calibration(CalibrationRef file) {
        RoutingPart part = file.routingPart();
        return part == null
                ? file("calibrations", file.key(), file.digest(), file.sizeBytes(), fetchObject::fetch)
                : file("calibrations", file.key(), part.digest(), part.sizeBytes(), fetchObject::fetchBeginning);
    }

    private Held file(String kind, String key, Digest digest, long sizeBytes, Fetch fetch) {
        Held held = new Held(directory.resolve(kind).resolve(digest.hex() + ".safetensors"));
        try {
            used(held.path, ensure(held.path, new ObjectKey(key), digest, sizeBytes, fetch));
            return held;
        } catch (RuntimeException e) {
            held.close();
            throw e;
        }
    }

    /** @return whether the file had to be fetched */
    private boolean ensure(Path path, ObjectKey key, Digest digest, long sizeBytes, Fetch fetch) {
        try {
            if (Files.isRegularFile(path) && isWhole(path, digest, sizeBytes)) {
                return false;
            }
            Files.createDirectories(path.getParent());
            Path partial = Files.createTempFile(path.getParent(), ".fetching-", "");
            try {
                fetch.into(key, sizeBytes, digest.hex(), partial);
                Files.move(partial, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(partial);
            }
            verified.put(path, Seen.of(path));
            return true;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot bring " + key + " to " + path, e);
        }
    }

    private boolean isWhole(Path path, Digest digest, long sizeBytes) throws IOException {
        Seen seen = Seen.of(path);
        if (seen.sizeBytes() != sizeBytes) {
            return false;
        }
        if (seen.equals(verified.get(path))) {
            return true;
        }
        if (!digestOf(path).equals(digest)) {
            return false;
        }
        verified.put(path, seen);
        return true;
    }

    /** The time of a folder or a prototype file says when it was last used, over restarts too. */
    private void used(Path entry, boolean grown) {
        try {
            Files.setLastModifiedTime(entry, FileTime.from(clock.instant()));
            if (Files.isRegularFile(entry)) {
                verified.put(entry, Seen.of(entry));
            }
            if (grown) {
                entries.trim();
                verified.keySet().removeIf(path -> !Files.exists(path));
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot keep order in the cache " + directory, e);
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
