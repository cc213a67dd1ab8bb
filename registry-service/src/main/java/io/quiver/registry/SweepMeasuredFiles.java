package io.quiver.registry;

import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.transaction.support.TransactionOperations;

/**
 * Deletes calibrations, prototypes and evidence that nothing refers to any more. A file goes when nothing needed it at any sweep for
 * a while, when the broker has since been told what took its place, and when nobody can come to need it during the deletion. A
 * registry that starts begins to wait anew. The store must belong to this registry alone. Thread-safe.
 */
public final class SweepMeasuredFiles {
    private static final Logger LOG = LoggerFactory.getLogger(SweepMeasuredFiles.class);

    /** The store is listed in parts, by the first digit of what a file was made of. */
    private static final String DIGITS = "0123456789abcdef";

    /** Files that are waited for at once; others begin to wait when these are gone. */
    private static final int REMEMBERED_MAX = 10_000;

    /** Files deleted in one transaction, while which nothing can be registered or recorded. */
    private static final int DELETED_AT_ONCE = 20;

    private final ObjectStore store;
    private final FileReferences references;
    private final Outbox outbox;
    private final TransactionOperations transactions;
    private final Clock clock;
    private final Duration keptFor;

    /** When a sweep first found that nothing needs a file; forgotten if a later one finds otherwise. */
    private Map<ObjectKey, Instant> unneededSince = Map.of();

    /** @param keptFor how long nothing must have needed a file */
    public SweepMeasuredFiles(
            ObjectStore store,
            FileReferences references,
            Outbox outbox,
            TransactionOperations transactions,
            Clock clock,
            Duration keptFor) {
        this.store = store;
        this.references = references;
        this.outbox = outbox;
        this.transactions = transactions;
        this.clock = clock;
        this.keptFor = keptFor;
    }

    /** Sweeps once; returns the number of files deleted. */
    public synchronized int sweep() {
        Instant now = clock.instant();
        Instant before = now.minus(keptFor);
        // Read first: what is committed after this was told may be told later still.
        Instant toldUntil =
                outbox.unpublished(1).stream().map(Outbox.Row::time).findFirst().orElse(now);
        Map<ObjectKey, Instant> unneeded = new HashMap<>();
        List<MeasuredFile> due = new ArrayList<>();
        for (MeasuredFile.Kind kind : MeasuredFile.Kind.values()) {
            for (char digit : DIGITS.toCharArray()) {
                for (MeasuredFile file : unneeded(kind, kind.prefix() + digit, before)) {
                    Instant since = unneededSince.getOrDefault(file.key(), now);
                    if (unneeded.size() < REMEMBERED_MAX) {
                        unneeded.put(file.key(), since);
                    }
                    if (!since.isAfter(before) && since.isBefore(toldUntil)) {
                        due.add(file);
                    }
                }
            }
        }
        unneededSince = unneeded;
        int deleted = 0;
        for (int from = 0; from < due.size(); from += DELETED_AT_ONCE) {
            deleted += delete(due.subList(from, Math.min(due.size(), from + DELETED_AT_ONCE)));
        }
        if (deleted > 0) {
            LOG.info("deleted {} files of calibrations, prototypes and evidence that nothing needed", deleted);
        }
        return deleted;
    }

    /** Those that were written before, and that nothing needs. */
    private List<MeasuredFile> unneeded(MeasuredFile.Kind kind, String prefix, Instant before) {
        List<MeasuredFile> old = store.list(prefix).stream()
                .filter(info -> info.modifiedAt().isBefore(before))
                .flatMap(info -> MeasuredFile.of(kind, info.key()).stream())
                .toList();
        return references.unreferenced(old);
    }

    private int delete(List<MeasuredFile> files) {
        Integer deleted = transactions.execute(status -> {
            if (!references.lock()) {
                LOG.info("{} files that nothing needs stay until the next sweep: others write", files.size());
                return 0;
            }
            List<MeasuredFile> unneeded = references.unreferenced(files);
            unneeded.forEach(file -> {
                LOG.debug("deletes {}", file.key());
                store.delete(file.key());
            });
            return unneeded.size();
        });
        return deleted == null ? 0 : deleted;
    }
}
