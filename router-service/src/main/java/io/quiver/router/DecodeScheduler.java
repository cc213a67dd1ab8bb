package io.quiver.router;

import io.quiver.decoder.Decoder;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decodes the texts of one base model, together: one thread feeds every running text its next token in one call, each
 * with its own library. Texts join and leave between any two steps. Prompts are read in pieces beside the running texts, so
 * that long ones do not stop them. A text joins when the memory that it can need at most is free, and no text overtakes it
 * while it waits for that.
 */
public final class DecodeScheduler implements AutoCloseable {
    /**
     * How much is taken on.
     *
     * @param runningMax texts decoded together
     * @param waitingMax texts that wait for that
     * @param promptTokensMax tokens of prompts that one step reads beside texts that generate
     * @param cacheBytesMax keys and values of all texts and kept prefixes
     * @param prefixBytesMax of that, for prefixes of texts that have ended; 0 keeps none and reuses none
     */
    public record Limits(int runningMax, int waitingMax, int promptTokensMax, long cacheBytesMax, long prefixBytesMax) {
        public Limits {
            if (runningMax < 1 || waitingMax < 0 || promptTokensMax < 1 || cacheBytesMax < 1 || prefixBytesMax < 0) {
                throw new IllegalArgumentException("a limit is too small: " + runningMax + " and " + waitingMax
                        + " texts, " + promptTokensMax + " tokens, " + cacheBytesMax + " and " + prefixBytesMax
                        + " bytes");
            }
        }
    }

    /**
     * What is in use at one moment.
     *
     * @param reservedBytes that the running texts can need at most, for keys and values
     * @param prefixBytes of kept prefixes
     */
    public record Load(
            int running, int waiting, long cacheBytesMax, long reservedBytes, int prefixes, long prefixBytes) {}

    /** Room for some texts, taken before their experts are loaded. Closing gives back what was not submitted. */
    public final class Room implements AutoCloseable {
        private final String client;
        private int texts;

        private Room(int texts, String client) {
            this.texts = texts;
            this.client = client;
        }

        /**
         * Hands a text over, with what it keeps in use until it ends.
         *
         * @throws IllegalArgumentException if the text can need more memory than there is for all
         */
        public void submit(TextTask task, AutoCloseable keeps) {
            if (texts == 0) {
                throw new IllegalStateException("no room left");
            }
            ScheduledText text = new ScheduledText(task, client, keeps, System.nanoTime(), decoder);
            long bytes = text.bytesMax();
            if (bytes > limits.cacheBytesMax()) {
                throw new IllegalArgumentException("prompt and answer need " + bytes
                        + " bytes of keys and values; there are " + limits.cacheBytesMax());
            }
            texts--;
            waiting.add(text);
            // The thread looks once more after it was told to stop; what came later has nobody to begin it.
            if (closed && waiting.take(text)) {
                fail(text, stopping());
            }
        }

        @Override
        public void close() {
            taken.addAndGet(-texts);
            texts = 0;
        }
    }

    private static final Logger LOG = LoggerFactory.getLogger(DecodeScheduler.class);
    private static final long IDLE_POLL_MILLIS = 200;
    private static final long STOP_MILLIS = 10_000;

    private final String model;
    private final Decoder decoder;
    private final Limits limits;
    private final DecodeObserver observer;
    private final WaitingTexts waiting = new WaitingTexts();
    private final TextPace pace = new TextPace();
    private final AtomicInteger taken = new AtomicInteger();
    /** Owned by the decode thread. */
    private final RunningTexts running;

    private final Thread thread;
    private volatile boolean closed;

    public DecodeScheduler(String model, Decoder decoder, Limits limits, DecodeObserver observer) {
        this.model = model;
        this.decoder = decoder;
        this.limits = limits;
        this.observer = observer;
        this.running = new RunningTexts(model, decoder, limits, observer, this::ended);
        this.thread = new Thread(this::decode, "decode-" + model);
        thread.setDaemon(true);
        thread.start();
    }

    /**
     * Takes room for some texts.
     *
     * @param client whose texts they are: clients take turns
     * @throws RequestRefusedException {@link RefusalCode#QUEUE_FULL} if there is none
     */
    public Room reserve(int texts, String client) {
        int most = limits.runningMax() + limits.waitingMax();
        if (taken.addAndGet(texts) > most) {
            taken.addAndGet(-texts);
            throw RequestRefusedException.until(
                    RefusalCode.QUEUE_FULL,
                    "the router takes " + most + " texts at a time for model " + model + " and has no room for " + texts
                            + " more; try again later",
                    pace.until(texts, limits.runningMax()));
        }
        return new Room(texts, client);
    }

    public Limits limits() {
        return limits;
    }

    /** Texts being decoded. */
    public int runningCount() {
        return running.count();
    }

    /** Texts taken on but not begun. */
    public int waitingCount() {
        return Math.max(0, taken.get() - running.count());
    }

    public Load load() {
        return new Load(
                running.count(),
                waitingCount(),
                limits.cacheBytesMax(),
                running.reservedBytes(),
                running.prefixes(),
                running.prefixBytes());
    }

    private void decode() {
        while (!closed) {
            try {
                admit();
                running.step();
            } catch (InterruptedException e) {
                closed = true;
            }
        }
        running.close(stopping());
        waiting.takeAll().forEach(text -> fail(text, stopping()));
    }

    private static RequestRefusedException stopping() {
        return new RequestRefusedException(RefusalCode.MODEL_UNAVAILABLE, "the router is stopping", null);
    }

    /** Drops what nobody waits for, then begins the next texts. */
    private void admit() throws InterruptedException {
        waiting.takeCancelled().forEach(text -> ended(text, "cancelled"));
        running.dropCancelled();
        if (running.count() == 0) {
            waiting.await(IDLE_POLL_MILLIS);
        }
        ScheduledText next = waiting.next();
        while (next != null && running.hasRoomFor(next)) {
            if (waiting.take(next)) {
                running.begin(next);
            }
            next = waiting.next();
        }
    }

    private void fail(ScheduledText text, RuntimeException cause) {
        if (!(cause instanceof RequestRefusedException)) {
            LOG.error("a text of model {} failed", model, cause);
        }
        text.task().fail(cause);
        ended(text, "error");
    }

    /** Gives back what a text used, once its sequence is gone. */
    private void ended(ScheduledText text, String how) {
        try {
            text.keeps().close();
        } catch (Exception e) {
            LOG.error("a text of model {} could not give back what it used", model, e);
        }
        taken.decrementAndGet();
        long elapsedNanos = System.nanoTime() - text.submittedNanos();
        if (how.equals("done")) {
            pace.ended(elapsedNanos / 1e9);
        }
        observer.ended(model, how, elapsedNanos);
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
