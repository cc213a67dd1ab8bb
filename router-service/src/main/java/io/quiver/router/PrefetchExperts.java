package io.quiver.router;

import io.quiver.schemas.Digest;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes experts resident as soon as the catalogue has them, so that the first request does not wait for it: one after another
 * in the background, and only as long as there is free room. Thread-safe.
 */
public final class PrefetchExperts implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PrefetchExperts.class);

    private final ServedModels models;
    private final ExecutorService background = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task, "prefetch-experts");
        thread.setDaemon(true);
        return thread;
    });
    /** What the background has been given. Guarded by this. */
    private final Set<Digest> known = new HashSet<>();

    public PrefetchExperts(ServedModels models) {
        this.models = models;
    }

    /** Takes up the newest ready version of each adapter that is new in the catalogue. */
    public synchronized void follow(CatalogueSnapshot catalogue) {
        Set<Digest> present = new HashSet<>();
        for (BaseModel base : catalogue.bases()) {
            for (PinnedExpert expert : catalogue.select(base.ref(), labels -> true)) {
                present.add(expert.digest());
                if (known.add(expert.digest())) {
                    background.execute(() -> load(base, expert));
                }
            }
        }
        known.retainAll(present);
    }

    private void load(BaseModel base, PinnedExpert expert) {
        try {
            boolean resident = models.await(base).experts().prefetch(expert);
            LOG.debug("expert {} is {} ahead", expert.adapter(), resident ? "loaded" : "not loaded");
        } catch (RequestRefusedException e) {
            LOG.info("expert {} is not loaded ahead: {}", expert.adapter(), e.getMessage());
        } catch (RuntimeException e) {
            LOG.warn("expert {} could not be loaded ahead", expert.adapter(), e);
        }
    }

    @Override
    public void close() {
        background.shutdownNow();
    }
}
