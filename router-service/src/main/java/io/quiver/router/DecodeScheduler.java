package io.quiver.router;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.Decoder.StepOutput;
import io.quiver.decoder.Sequence;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decodes the texts of one base model, together: one thread feeds every running text its next token in one call, each
 * with its own library. Texts join and leave between any two steps. At a boundary one prompt is read at most while others
 * run, so that a burst of long prompts does not stop them.
 */
public final class DecodeScheduler implements AutoCloseable {
    /**
     * How much is taken on.
     *
     * @param runningMax texts decoded together
     * @param waitingMax texts that wait for that
     */
    public record Limits(int runningMax, int waitingMax) {
        public Limits {
            if (runningMax < 1 || waitingMax < 0) {
                throw new IllegalArgumentException("at least one text must run: " + runningMax + ", " + waitingMax);
            }
        }
    }

    /** Room for some texts, taken before their experts are loaded. Closing gives back what was not submitted. */
    public final class Room implements AutoCloseable {
        private int texts;

        private Room(int texts) {
            this.texts = texts;
        }

        /** Hands a text over, with what it keeps in use until it ends. */
        public void submit(TextTask task, AutoCloseable keeps) {
            if (texts == 0) {
                throw new IllegalStateException("no room left");
            }
            texts--;
            Entry entry = new Entry(task, keeps, System.nanoTime());
            waiting.add(entry);
            // The thread looks once more after it was told to stop; what came later has nobody to begin it.
            if (closed && waiting.remove(entry)) {
                fail(entry, stopping());
            }
        }

        @Override
        public void close() {
            taken.addAndGet(-texts);
            texts = 0;
        }
    }

    private static final class Entry {
        final TextTask task;
        final AutoCloseable keeps;
        final long submittedNanos;

        @Nullable
        Sequence sequence;

        Entry(TextTask task, AutoCloseable keeps, long submittedNanos) {
            this.task = task;
            this.keeps = keeps;
            this.submittedNanos = submittedNanos;
        }

        Sequence sequence() {
            return Objects.requireNonNull(sequence, "the text has begun");
        }
    }

    private static final Logger LOG = LoggerFactory.getLogger(DecodeScheduler.class);
    private static final long IDLE_POLL_MILLIS = 200;
    private static final long STOP_MILLIS = 10_000;

    private final String model;
    private final Decoder decoder;
    private final Limits limits;
    private final DecodeObserver observer;
    private final LinkedBlockingDeque<Entry> waiting = new LinkedBlockingDeque<>();
    private final AtomicInteger taken = new AtomicInteger();
    /** Owned by the decode thread. */
    private final List<Entry> running = new ArrayList<>();

    private final Thread thread;
    private volatile int runningCount;
    private volatile boolean closed;

    public DecodeScheduler(String model, Decoder decoder, Limits limits, DecodeObserver observer) {
        this.model = model;
        this.decoder = decoder;
        this.limits = limits;
        this.observer = observer;
        this.thread = new Thread(this::decode, "decode-" + model);
        thread.setDaemon(true);
        thread.start();
    }

    /**
     * Takes room for some texts.
     *
     * @throws RequestRefusedException {@link RefusalCode#QUEUE_FULL} if there is none
     */
    public Room reserve(int texts) {
        int most = limits.runningMax() + limits.waitingMax();
        if (taken.addAndGet(texts) > most) {
            taken.addAndGet(-texts);
            throw new RequestRefusedException(
                    RefusalCode.QUEUE_FULL,
                    "the router takes " + most + " texts at a time for model " + model + " and has no room for " + texts
                            + " more; try again shortly",
                    null);
        }
        return new Room(texts);
    }

    /** Texts being decoded. */
    public int runningCount() {
        return runningCount;
    }

    /** Texts taken on but not begun. */
    public int waitingCount() {
        return Math.max(0, taken.get() - runningCount);
    }

    private void decode() {
        while (!closed) {
            try {
                admit();
                step();
            } catch (InterruptedException e) {
                closed = true;
            }
        }
        running.forEach(entry -> fail(entry, stopping()));
        running.clear();
        for (Entry entry = waiting.poll(); entry != null; entry = waiting.poll()) {
            fail(entry, stopping());
        }
        runningCount = 0;
    }

    private static RequestRefusedException stopping() {
        return new RequestRefusedException(RefusalCode.MODEL_UNAVAILABLE, "the router is stopping", null);
    }

    /** Drops what nobody waits for, then begins the next texts. */
    private void admit() throws InterruptedException {
        drop(running.iterator());
        drop(waiting.iterator());
        runningCount = running.size();
        if (running.size() >= limits.runningMax()) {
            return;
        }
        Entry next = running.isEmpty() ? waiting.poll(IDLE_POLL_MILLIS, TimeUnit.MILLISECONDS) : waiting.poll();
        if (next != null) {
            begin(next);
            runningCount = running.size();
        }
    }

    private void drop(Iterator<Entry> entries) {
        while (entries.hasNext()) {
            Entry entry = entries.next();
            if (entry.task.isCancelled()) {
                entries.remove();
                release(entry, "cancelled");
            }
        }
    }

    private void begin(Entry entry) {
        try {
            Sequence sequence = decoder.open(entry.task.order().routing());
            entry.sequence = sequence;
            int[] prompt = entry.task.order().prompt();
            boolean everyToken = entry.task.order().everyToken();
            StepOutput output = decoder.step(List.of(new Feed(sequence, prompt, everyToken)))
                    .get(0);
            observer.tokens(model, prompt.length, 1);
            entry.task.begin(output);
            observer.firstToken(model, System.nanoTime() - entry.submittedNanos);
            if (entry.task.isDone()) {
                release(entry, "done");
            } else {
                running.add(entry);
            }
        } catch (RuntimeException e) {
            fail(entry, e);
        }
    }

    private void step() {
        if (running.isEmpty()) {
            return;
        }
        List<Feed> feeds = running.stream()
                .map(entry -> new Feed(entry.sequence(), new int[] {entry.task.last()}))
                .toList();
        List<StepOutput> outputs;
        try {
            outputs = decoder.step(feeds);
        } catch (RuntimeException e) {
            // The step is all or nothing for its texts: what the cache of each holds is not known any more.
            LOG.error("a step of {} texts of model {} failed", running.size(), model, e);
            running.forEach(entry -> fail(entry, e));
            running.clear();
            return;
        }
        observer.tokens(model, 0, outputs.size());
        for (int i = outputs.size() - 1; i >= 0; i--) {
            Entry entry = running.get(i);
            try {
                entry.task.proceed(outputs.get(i));
                if (entry.task.isDone()) {
                    running.remove(i);
                    release(entry, "done");
                }
            } catch (RuntimeException e) {
                running.remove(i);
                fail(entry, e);
            }
        }
    }

    private void fail(Entry entry, RuntimeException cause) {
        if (!(cause instanceof RequestRefusedException)) {
            LOG.error("a text of model {} failed", model, cause);
        }
        entry.task.fail(cause);
        release(entry, "error");
    }

    private void release(Entry entry, String how) {
        try {
            if (entry.sequence != null) {
                entry.sequence.close();
            }
            entry.keeps.close();
        } catch (Exception e) {
            LOG.error("a text of model {} could not give back what it used", model, e);
        }
        taken.decrementAndGet();
        observer.ended(model, how, System.nanoTime() - entry.submittedNanos);
    }

    /** Fails what is running and waiting, and stops the thread. */
    @Override
    public void close() {
        closed = true;
        thread.interrupt();
        try {
            thread.join(STOP_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
