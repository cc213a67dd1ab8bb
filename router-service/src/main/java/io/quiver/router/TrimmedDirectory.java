package io.quiver.router;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Files and folders under a limit of bytes: the ones whose time is longest ago go first, but none that is held. Thread-safe.
 * Another program that uses the same directory may find something gone, and must then bring it again.
 */
final class TrimmedDirectory {
    private static final Logger LOG = LoggerFactory.getLogger(TrimmedDirectory.class);

    private final List<Path> parents;
    private final long bytesMax;
    /** How often each entry is held. Guarded by this. */
    private final Map<Path, Integer> holds = new HashMap<>();

    private record Entry(Path path, long bytes, FileTime used) {}

    /** @param parents whose children are the entries */
    TrimmedDirectory(List<Path> parents, long bytesMax) {
        this.parents = List.copyOf(parents);
        this.bytesMax = bytesMax;
    }

    synchronized void hold(Path entry) {
        holds.merge(entry, 1, Integer::sum);
    }

    synchronized void release(Path entry) {
        holds.computeIfPresent(entry, (path, count) -> count > 1 ? count - 1 : null);
    }

    /** Deletes until the rest, or what is held of it, is within the limit. */
    synchronized void trim() throws IOException {
        List<Entry> entries = new ArrayList<>();
        for (Path parent : parents) {
            if (Files.isDirectory(parent)) {
                try (Stream<Path> children = Files.list(parent)) {
                    for (Path child :
                            children.filter(path -> !isUnfinished(path)).toList()) {
                        entry(child).ifPresent(entries::add);
                    }
                }
            }
        }
        long all = entries.stream().mapToLong(Entry::bytes).sum();
        entries.sort(Comparator.comparing(Entry::used));
        for (Entry entry : entries) {
            if (all > bytesMax && !holds.containsKey(entry.path())) {
                delete(entry.path());
                all -= entry.bytes();
                LOG.info("deleted {} from the cache", entry.path());
            }
        }
    }

    /** On its way in; it gets its own name when it is whole. */
    private static boolean isUnfinished(Path path) {
        return path.getFileName().toString().startsWith(".");
    }

    /** Empty if another program was quicker. */
    private static Optional<Entry> entry(Path path) throws IOException {
        long bytes = 0;
        try (Stream<Path> paths = Files.walk(path)) {
            for (Path file : paths.filter(Files::isRegularFile).toList()) {
                bytes += Files.size(file);
            }
            return Optional.of(new Entry(path, bytes, Files.getLastModifiedTime(path)));
        } catch (NoSuchFileException | UncheckedIOException e) {
            LOG.debug("{} has gone", path, e);
            return Optional.empty();
        }
    }

    private static void delete(Path entry) throws IOException {
        try (Stream<Path> paths = Files.walk(entry)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        }
    }
}
