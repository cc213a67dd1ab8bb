package io.quiver.router;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Expert;
import io.quiver.schemas.Digest;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The experts that are resident in one decoder. An expert is loaded once however many requests want it at the same
 * time, stays while a request uses it, and then until its room is needed: the one used longest ago goes first.
 * Thread-safe; loading happens on the thread that asks, never on the one that decodes.
 */
public final class ExpertPool {
    private static final Logger LOG = LoggerFactory.getLogger(ExpertPool.class);

    private final Decoder decoder;
    private final LoadExpert loadExpert;
    private final long bytesMax;
    /** In the order of use, longest ago first. Guarded by this. */
    private final Map<Digest, Resident> residents = new LinkedHashMap<>(16, 0.75f, true);

    /** @param bytesMax resident bytes of all experts at most */
    public ExpertPool(Decoder decoder, ExpertFiles.Source source, long bytesMax) {
        this.decoder = decoder;
        this.loadExpert = new LoadExpert(decoder, source);
        this.bytesMax = bytesMax;
    }

    private static final class Resident {
        final CompletableFuture<Expert> expert = new CompletableFuture<>();
        int pins;
        /** What the files have until it is loaded, then what it takes. */
        long bytes;

        Resident(long bytes) {
            this.bytes = bytes;
        }
    }

    /** Experts that stay resident until this is closed; in the order asked for. Closing twice does nothing. */
    public final class Lease implements AutoCloseable {
        private final List<Resident> pinned = new ArrayList<>();
        private final List<Expert> experts = new ArrayList<>();
        private boolean closed;

        public List<Expert> experts() {
            return List.copyOf(experts);
        }

        @Override
        public void close() {
            synchronized (ExpertPool.this) {
                if (!closed) {
                    closed = true;
                    pinned.forEach(resident -> resident.pins--);
                }
            }
        }
    }

    /**
     * Makes experts resident and keeps them so.
     *
     * @throws RequestRefusedException if one cannot be loaded, or they do not fit together with those in use
     */
    public Lease acquire(List<? extends ExpertContent> experts) {
        Lease lease = new Lease();
        try {
            for (ExpertContent expert : experts) {
                Resident resident = pin(expert, lease);
                try {
                    lease.experts.add(resident.expert.join());
                } catch (CompletionException e) {
                    throw unavailable(expert, e.getCause() == null ? e : e.getCause());
                }
            }
            return lease;
        } catch (RuntimeException e) {
            lease.close();
            throw e;
        }
    }

    private Resident pin(ExpertContent expert, Lease lease) {
        Resident resident;
        boolean absent;
        synchronized (this) {
            absent = !residents.containsKey(expert.digest());
            if (absent) {
                makeRoom(expert.fileBytes());
            }
            resident = residents.computeIfAbsent(expert.digest(), digest -> new Resident(expert.fileBytes()));
            resident.pins++;
            lease.pinned.add(resident);
        }
        if (absent) {
            load(expert, resident);
        }
        return resident;
    }

    private void load(ExpertContent expert, Resident resident) {
        try {
            Expert loaded = loadExpert.load(expert);
            synchronized (this) {
                resident.bytes = loaded.residentBytes();
            }
            resident.expert.complete(loaded);
        } catch (Throwable e) {
            // Forgotten before anybody is told, so that the next request tries again.
            synchronized (this) {
                residents.remove(expert.digest(), resident);
            }
            resident.expert.completeExceptionally(e);
            if (e instanceof Error error) {
                throw error;
            }
        }
    }

    /** Evicts until that many bytes more fit. Guarded by this. */
    private void makeRoom(long bytes) {
        long pinned = 0;
        long all = 0;
        for (Resident resident : residents.values()) {
            all += resident.bytes;
            pinned += resident.pins > 0 ? resident.bytes : 0;
        }
        if (pinned + bytes > bytesMax) {
            throw new RequestRefusedException(
                    RefusalCode.EXPERTS_DO_NOT_FIT,
                    "the experts need " + bytes + " bytes beside " + pinned + " bytes in use; the limit is " + bytesMax
                            + " (quiver.router.expert-memory)",
                    null);
        }
        Iterator<Map.Entry<Digest, Resident>> longestAgo = residents.entrySet().iterator();
        while (all + bytes > bytesMax && longestAgo.hasNext()) {
            Map.Entry<Digest, Resident> entry = longestAgo.next();
            if (entry.getValue().pins == 0) {
                decoder.evict(entry.getValue().expert.join());
                all -= entry.getValue().bytes;
                longestAgo.remove();
                LOG.info("evicted expert {}", entry.getKey());
            }
        }
    }

    private static RequestRefusedException unavailable(ExpertContent expert, Throwable cause) {
        if (cause instanceof RequestRefusedException refused) {
            return refused;
        }
        LOG.warn("expert {} cannot be loaded", expert.label(), cause);
        return new RequestRefusedException(
                RefusalCode.EXPERT_UNAVAILABLE,
                "expert " + expert.label() + " cannot be loaded: " + cause.getMessage(),
                "routing.experts",
                cause);
    }

    /** Whether an expert is loaded now. */
    public synchronized boolean isResident(Digest digest) {
        // Iterated rather than looked up: a look is no use.
        return residents.entrySet().stream()
                .anyMatch(entry ->
                        entry.getKey().equals(digest) && entry.getValue().expert.isDone());
    }

    /** Bytes that the resident experts take. */
    public synchronized long residentBytes() {
        return residents.values().stream().mapToLong(resident -> resident.bytes).sum();
    }
}
