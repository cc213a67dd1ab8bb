package io.quiver.registry;

import static java.util.stream.Collectors.groupingBy;

import io.quiver.objectstore.ObjectStore;
import io.quiver.objectstore.ObjectStore.ObjectInfo;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Deletes uploads that a registry left behind when it died: those to which nothing was added for a while. */
public final class SweepUploads {
    private static final Logger LOG = LoggerFactory.getLogger(SweepUploads.class);
    private static final String PREFIX = "uploads/";

    private final ObjectStore store;
    private final Clock clock;
    private final Duration abandonedAfter;

    public SweepUploads(ObjectStore store, Clock clock, Duration abandonedAfter) {
        this.store = store;
        this.clock = clock;
        this.abandonedAfter = abandonedAfter;
    }

    /** Sweeps once; returns the number of objects deleted. */
    public int sweep() {
        Instant before = clock.instant().minus(abandonedAfter);
        int deleted = 0;
        for (List<ObjectInfo> upload : store.list(PREFIX).stream()
                .collect(groupingBy(SweepUploads::uploadId))
                .values()) {
            if (upload.stream().allMatch(object -> object.modifiedAt().isBefore(before))) {
                upload.forEach(object -> store.delete(object.key()));
                deleted += upload.size();
            }
        }
        if (deleted > 0) {
            LOG.info("swept {} objects of uploads that were left behind", deleted);
        }
        return deleted;
    }

    private static String uploadId(ObjectInfo object) {
        String rest = object.key().value().substring(PREFIX.length());
        return rest.substring(0, Math.max(0, rest.indexOf('/')));
    }
}
