package io.quiver.router;

import io.quiver.schemas.Digest;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The base models of the catalogue, opened one after another in the background as soon as they appear there. What fails
 * for the world's sake is tried again; a model that this program cannot serve stays refused. Thread-safe.
 */
public final class ServedModels implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ServedModels.class);
    private static final Duration RETRY_FIRST = Duration.ofSeconds(1);
    private static final Duration RETRY_LAST = Duration.ofSeconds(30);

    private final ServedModel.Opener opener;
    private final Duration waitMax;
    private final ScheduledExecutorService background = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "open-models");
        thread.setDaemon(true);
        return thread;
    });
    /** Guarded by this. */
    private final Map<Digest, Opening> models = new HashMap<>();

    private static final class Opening {
        final CompletableFuture<ServedModel> model = new CompletableFuture<>();
        volatile String lastFailure = "";
    }

    /** @param waitMax how long a request waits for a model that is being opened */
    public ServedModels(ServedModel.Opener opener, Duration waitMax) {
        this.opener = opener;
        this.waitMax = waitMax;
    }

    /** Opens what is new in the catalogue and closes what has left it. */
    public synchronized void follow(CatalogueSnapshot catalogue) {
        Set<Digest> wanted = new HashSet<>();
        for (BaseModel base : catalogue.bases()) {
            wanted.add(base.digest());
            if (!models.containsKey(base.digest())) {
                Opening opening = new Opening();
                models.put(base.digest(), opening);
                background.execute(() -> open(base, opening, RETRY_FIRST));
            }
        }
        models.entrySet().removeIf(entry -> {
            if (wanted.contains(entry.getKey())) {
                return false;
            }
            CompletableFuture<ServedModel> gone = entry.getValue().model;
            gone.completeExceptionally(new IllegalStateException("the base model has left the catalogue"));
            if (!gone.isCompletedExceptionally()) {
                background.execute(() -> gone.join().close());
            }
            return true;
        });
    }

    private void open(BaseModel base, Opening opening, Duration retryAfter) {
        if (opening.model.isDone()) {
            return;
        }
        try {
            long start = System.nanoTime();
            ServedModel model = opener.open(base);
            if (opening.model.complete(model)) {
                LOG.info(
                        "base model {} is open after {} ms",
                        base.name(),
                        TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start));
            } else {
                model.close();
            }
        } catch (IllegalArgumentException e) {
            LOG.error("base model {} cannot be served", base.name(), e);
            opening.model.completeExceptionally(e);
        } catch (RuntimeException e) {
            LOG.warn("base model {} could not be opened; trying again", base.name(), e);
            opening.lastFailure = String.valueOf(e.getMessage());
            Duration next =
                    retryAfter.multipliedBy(2).compareTo(RETRY_LAST) > 0 ? RETRY_LAST : retryAfter.multipliedBy(2);
            // Nobody asks for its result: open reports every failure itself.
            var unused =
                    background.schedule(() -> open(base, opening, next), retryAfter.toMillis(), TimeUnit.MILLISECONDS);
        } catch (Error e) {
            // Without this a request would wait for a model that nobody opens any more.
            opening.model.completeExceptionally(e);
            throw e;
        }
    }

    /**
     * The open model, waiting for it for a bounded time.
     *
     * @throws RequestRefusedException if it is not open in time, or cannot be opened
     */
    public ServedModel await(BaseModel base) {
        Opening opening;
        synchronized (this) {
            opening = models.get(base.digest());
        }
        if (opening == null) {
            throw new RequestRefusedException(
                    RefusalCode.MODEL_LOADING, "base model " + base.name() + " is not open yet", "model");
        }
        try {
            return opening.model.get(waitMax.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            String why = opening.lastFailure.isEmpty() ? "" : "; the last attempt failed: " + opening.lastFailure;
            throw new RequestRefusedException(
                    RefusalCode.MODEL_LOADING, "base model " + base.name() + " is being opened" + why, "model", e);
        } catch (ExecutionException e) {
            throw new RequestRefusedException(
                    RefusalCode.MODEL_UNAVAILABLE,
                    "base model " + base.name() + " cannot be served: " + e.getCause(),
                    "model",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RequestRefusedException(RefusalCode.MODEL_UNAVAILABLE, "the router is stopping", "model", e);
        }
    }

    /** The model if it is open now. */
    public synchronized Optional<ServedModel> ifOpen(BaseModel base) {
        Opening opening = models.get(base.digest());
        return opening == null || !opening.model.isDone() || opening.model.isCompletedExceptionally()
                ? Optional.empty()
                : Optional.of(opening.model.join());
    }

    @Override
    public synchronized void close() {
        background.shutdownNow();
        for (Opening opening : models.values()) {
            opening.model.completeExceptionally(new IllegalStateException("the router is stopping"));
            if (!opening.model.isCompletedExceptionally()) {
                opening.model.join().close();
            }
        }
        models.clear();
    }
}
