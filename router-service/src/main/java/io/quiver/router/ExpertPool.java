package io.quiver.router;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Expert;
import io.quiver.schemas.Digest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
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
    private final Map<Digest, PooledExpert> residents = new LinkedHashMap<>(16, 0.75f, true);

    private final Consumer<Digest> evicted;

    /** @param bytesMax resident bytes of all experts at most */
    public ExpertPool(Decoder decoder, ExpertFiles.Source source, long bytesMax) {
        this(decoder, source, bytesMax, digest -> {});
    }

    /** @param evicted is told of each expert that has gone, under the pool's lock */
    public ExpertPool(Decoder decoder, ExpertFiles.Source source, long bytesMax, Consumer<Digest> evicted) {
        this.decoder = decoder;
        this.evicted = evicted;
        this.loadExpert = new LoadExpert(decoder, source);
        this.bytesMax = bytesMax;
    }

    /**
     * What is resident at one moment.
     *
     * @param inUse experts that a request keeps
     */
    public record Load(long bytesMax, long residentBytes, int resident, int inUse) {}

    /** Experts that stay resident until this is closed; in the order asked for. Closing twice does nothing. */
    public final class Lease implements AutoCloseable {
        private final List<PooledExpert> pinned = new ArrayList<>();
        private final List<Expert> experts = new ArrayList<>();
        private final SortedMap<Integer, String> leftOut = new TreeMap<>();
        private boolean closed;

        public List<Expert> experts() {
            return List.copyOf(experts);
        }

        /** What was asked for and could not be loaded: its places in the order asked for, and why. */
        public SortedMap<Integer, String> leftOut() {
            return Collections.unmodifiableSortedMap(leftOut);
        }

        /** The same experts for one more text. */
        public Lease again() {
            Lease lease = new Lease();
            synchronized (ExpertPool.this) {
                if (closed) {
                    throw new IllegalStateException("the lease is closed");
                }
                lease.pinned.addAll(pinned);
                lease.pinned.forEach(resident -> resident.pins++);
                lease.experts.addAll(experts);
                lease.leftOut.putAll(leftOut);
            }
            return lease;
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
        return acquire(experts, false);
    }

    /**
     * Makes experts resident and keeps them so, and leaves out those that cannot be loaded.
     *
     * @throws RequestRefusedException if none can be loaded, or they do not fit together with those in use
     */
    public Lease acquireWhatCanBeLoaded(List<? extends ExpertContent> experts) {
        return acquire(experts, true);
    }

    private Lease acquire(List<? extends ExpertContent> experts, boolean leavingOut) {
        requireFit(experts);
        Lease lease = new Lease();
        try {
            for (int i = 0; i < experts.size(); i++) {
                try {
                    add(lease, experts.get(i));
                } catch (RequestRefusedException e) {
                    if (!leavingOut || e.code() != RefusalCode.EXPERT_UNAVAILABLE) {
                        throw e;
                    }
                    lease.leftOut.put(i, String.valueOf(e.getMessage()));
                    if (lease.leftOut.size() == experts.size()) {
                        throw e;
                    }
                }
            }
            return lease;
        } catch (RuntimeException e) {
            lease.close();
            throw e;
        }
    }

    /** A library that is larger than the limit never fits, whoever else is there: said before anything is loaded. */
    private void requireFit(List<? extends ExpertContent> experts) {
        long bytes = 0;
        synchronized (this) {
            for (ExpertContent expert : experts) {
                PooledExpert known = residents.get(expert.digest());
                bytes += known == null ? expert.fileBytes() : known.bytes();
            }
        }
        if (bytes > bytesMax) {
            throw new RequestRefusedException(
                    RefusalCode.LIBRARY_TOO_LARGE,
                    "the library of " + experts.size() + " experts takes " + bytes + " bytes; the limit is " + bytesMax
                            + " (quiver.router.expert-memory)",
                    "routing.experts");
        }
    }

    /**
     * Loads an expert that nobody has asked for yet, if there is free room for it. Nothing is evicted for it, and a failure is
     * only logged: a request that needs the expert will meet it.
     *
     * @return whether the expert is resident after that
     */
    public boolean prefetch(ExpertContent expert) {
        synchronized (this) {
            if (!isResident(expert.digest()) && residentBytes() + expert.fileBytes() > bytesMax) {
                return false;
            }
        }
        try (Lease lease = acquire(List.of(expert))) {
            return !lease.experts().isEmpty();
        } catch (RequestRefusedException e) {
            LOG.warn("expert {} could not be loaded ahead: {}", expert.label(), e.getMessage());
            return false;
        }
    }

    private void add(Lease lease, ExpertContent expert) {
        PooledExpert resident;
        boolean absent;
        synchronized (this) {
            absent = !residents.containsKey(expert.digest());
            if (absent) {
                makeRoom(expert.fileBytes());
            }
            resident = residents.computeIfAbsent(expert.digest(), digest -> new PooledExpert(expert.fileBytes()));
            resident.pins++;
            lease.pinned.add(resident);
        }
        if (absent) {
            load(expert, resident);
        }
        try {
            lease.experts.add(resident.expert.join());
        } catch (CompletionException e) {
            throw unavailable(expert, e.getCause() == null ? e : e.getCause());
        }
        if (absent) {
            synchronized (this) {
                // In the pools it can take more than its files do.
                makeRoom(0);
            }
        }
    }

    private void load(ExpertContent expert, PooledExpert resident) {
        try {
            resident.expert.complete(loadExpert.load(expert));
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
        for (PooledExpert resident : residents.values()) {
            all += resident.bytes();
            pinned += resident.pins > 0 ? resident.bytes() : 0;
        }
        if (pinned + bytes > bytesMax) {
            throw new RequestRefusedException(
                    RefusalCode.EXPERTS_DO_NOT_FIT,
                    "the experts need " + bytes + " bytes beside " + pinned + " bytes in use; the limit is " + bytesMax
                            + " (quiver.router.expert-memory)",
                    null);
        }
        Iterator<Map.Entry<Digest, PooledExpert>> longestAgo =
                residents.entrySet().iterator();
        while (all + bytes > bytesMax && longestAgo.hasNext()) {
            Map.Entry<Digest, PooledExpert> entry = longestAgo.next();
            if (entry.getValue().pins == 0) {
                all -= entry.getValue().bytes();
                decoder.evict(entry.getValue().expert.join());
                longestAgo.remove();
                evicted.accept(entry.getKey());
                LOG.info("evicted expert {}", entry.getKey());
            }
        }
    }

    /**
     * Counts what became resident for an expert beside its weights, evicting others for it, or what did not stay so.
     *
     * @param bytes below 0 for less
     * @throws RequestRefusedException if it does not fit together with those in use
     */
    synchronized void grew(Digest digest, long bytes) {
        PooledExpert resident = residents.get(digest);
        if (resident != null) {
            resident.besideBytes += bytes;
            if (bytes > 0) {
                makeRoom(0);
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
        return residents.values().stream().mapToLong(PooledExpert::bytes).sum();
    }

    public synchronized Load load() {
        int inUse = (int) residents.values().stream()
                .filter(resident -> resident.pins > 0)
                .count();
        return new Load(bytesMax, residentBytes(), residents.size(), inUse);
    }
}
