package io.quiver.worker;

import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.StoredFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one base model that this worker holds in memory, for whoever needs it, one after the other. It stays for a while after its
 * last use, because adapters of one base come together, and goes when another is needed. Thread-safe.
 */
public final class HeldBase implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(HeldBase.class);

    private final FetchBase fetchBase;
    private final OpenDecoder openDecoder;
    private final Duration idle;
    private final ScheduledExecutorService closing = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "idle-base");
        thread.setDaemon(true);
        return thread;
    });

    private volatile boolean stopping;

    /** Guarded by this. */
    private @Nullable Held held;

    /** How often the base was used. Guarded by this. */
    private long uses;

    /** What gives the base back. Guarded by this. */
    private Future<?> idleEnd = CompletableFuture.completedFuture(null);

    /** The files stay as long as the model may read them. */
    private record Held(BaseModelRef ref, TemporaryFolder files, OpenBase base) {
        void close() {
            base.close();
            files.close();
        }
    }

    /** @param idle how long it stays after its last use */
    HeldBase(FetchBase fetchBase, OpenDecoder openDecoder, Duration idle) {
        this.fetchBase = fetchBase;
        this.openDecoder = openDecoder;
        this.idle = idle;
    }

    /**
     * Does some work with a base model; other work with any base waits.
     *
     * @param files of the base model
     * @throws UnusableBaseException if this worker cannot run it
     * @throws io.quiver.objectstore.ObjectStoreException if the store failed; worth trying again
     * @throws UncheckedIOException if the connection or the disk failed; worth trying again
     */
    synchronized <T> T use(BaseModelRef ref, List<StoredFile> files, Function<OpenBase, T> work) {
        requireRunning();
        try {
            return work.apply(open(ref, files).base());
        } finally {
            long use = ++uses;
            idleEnd.cancel(false);
            if (!closing.isShutdown()) {
                idleEnd = closing.schedule(() -> closeAfter(use), idle.toMillis(), TimeUnit.MILLISECONDS);
            }
        }
    }

    private Held open(BaseModelRef ref, List<StoredFile> files) {
        if (held != null && held.ref().digest().equals(ref.digest())) {
            return held;
        }
        closeHeld();
        TemporaryFolder folder = fetchBase.fetch(ref, files);
        try {
            Held opened = new Held(ref, folder, OpenBase.of(folder.path(), openDecoder));
            held = opened;
            LOG.info("holds base model {} ({})", ref.name(), ref.digest().abbreviated());
            return opened;
        } catch (DecoderUnavailableException e) {
            folder.close();
            throw new UnusableBaseException(FailureCode.DECODER_UNAVAILABLE, String.valueOf(e.getMessage()));
        } catch (IOException e) {
            folder.close();
            throw new UncheckedIOException("cannot open base model " + ref.name() + ": " + e.getMessage(), e);
        } catch (RuntimeException | Error e) {
            folder.close();
            throw e;
        }
    }

    /** From here on long work is broken off: the base must not be in use when the program ends. */
    public void stop() {
        stopping = true;
    }

    /** @throws WorkerStopsException after {@link #stop} */
    void requireRunning() {
        if (stopping) {
            throw new WorkerStopsException();
        }
    }

    /** Unless it was used again. */
    private synchronized void closeAfter(long use) {
        if (use == uses) {
            try {
                closeHeld();
            } catch (RuntimeException e) {
                LOG.error("the base model could not be given back", e);
            }
        }
    }

    private void closeHeld() {
        if (held != null) {
            LOG.info("gives base model {} back", held.ref().name());
            held.close();
            held = null;
        }
    }

    /** Breaks off what is being done, and waits for it. */
    @Override
    public void close() {
        stop();
        synchronized (this) {
            closing.shutdownNow();
            closeHeld();
        }
    }
}
