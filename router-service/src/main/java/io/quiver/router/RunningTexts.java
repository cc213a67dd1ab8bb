package io.quiver.router;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.Decoder.StepOutput;
import io.quiver.decoder.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The texts being decoded, and the memory for their keys and values. Owned by one decode thread; counts and bytes may be read
 * from any.
 */
final class RunningTexts {
    private static final Logger LOG = LoggerFactory.getLogger(RunningTexts.class);
    /** Tokens of prompts that one step reads while no text generates: nobody is held up by it. */
    private static final int ALONE_TOKENS = 512;

    private final String model;
    private final Decoder decoder;
    private final DecodeScheduler.Limits limits;
    private final DecodeObserver observer;
    private final BiConsumer<ScheduledText, String> ended;
    /** In the order of their beginning. */
    private final List<ScheduledText> running = new ArrayList<>();

    private final KeptPrefixes prefixes;
    private final AtomicLong reservedBytes = new AtomicLong();
    private volatile int count;

    /** @param ended is told of each text that has given its memory back, and how it ended */
    RunningTexts(
            String model,
            Decoder decoder,
            DecodeScheduler.Limits limits,
            DecodeObserver observer,
            BiConsumer<ScheduledText, String> ended) {
        this.model = model;
        this.decoder = decoder;
        this.limits = limits;
        this.observer = observer;
        this.ended = ended;
        this.prefixes = new KeptPrefixes(Math.min(limits.prefixBytesMax(), limits.cacheBytesMax()));
    }

    int count() {
        return count;
    }

    /** What the running texts can need at most. */
    long reservedBytes() {
        return reservedBytes.get();
    }

    int prefixes() {
        return prefixes.count();
    }

    long prefixBytes() {
        return prefixes.bytes();
    }

    /** Whether a text could begin. Kept prefixes give way. */
    boolean hasRoomFor(ScheduledText text) {
        return running.size() < limits.runningMax() && reservedBytes.get() + text.bytesMax() <= limits.cacheBytesMax();
    }

    void dropCancelled() {
        for (ScheduledText text : List.copyOf(running)) {
            if (text.task().isCancelled()) {
                release(text, "cancelled");
            }
        }
    }

    void begin(ScheduledText text) {
        running.add(text);
        reservedBytes.addAndGet(text.bytesMax());
        count = running.size();
        try {
            text.begin(open(text));
            observer.begun(model, System.nanoTime() - text.submittedNanos());
            decideIfRead(text);
        } catch (RuntimeException e) {
            fail(text, e);
        }
    }

    /** Opens a text's sequence, with the beginning that it shares with another one if there is such a one. */
    private Sequence open(ScheduledText text) {
        KeptPrefixes.@Nullable Match match = match(text);
        prefixes.trim(limits.cacheBytesMax() - reservedBytes.get());
        if (match != null && match.kept() && !prefixes.holds(match.sequence())) {
            // It had to give way to the text that it would have helped.
            match = null;
        }
        observer.prefix(model, text.promptTokens(), match == null ? 0 : match.tokens());
        return match == null
                ? decoder.open(text.routing(), text.positionsMax(), text.probed())
                : decoder.fork(match.sequence(), match.tokens(), text.positionsMax(), text.probed());
    }

    /**
     * Chooses a text's experts once the bare base has read its prompt, and begins again with them. What the base has read stays for
     * texts that begin alike, whatever their library; for this one too, if the base is to answer it.
     */
    private void decideIfRead(ScheduledText text) {
        if (!text.task().isUndecided() || text.promptLeft() > 0) {
            return;
        }
        String outcome = "refused";
        try {
            outcome = text.task().decide(text.sequence()) ? "expert" : "none";
        } finally {
            observer.decided(model, outcome);
        }
        int[] read = text.read();
        prefixes.keep(text.handOver(), read);
        text.begin(open(text));
    }

    private KeptPrefixes.@Nullable Match match(ScheduledText text) {
        if (limits.prefixBytesMax() == 0
                || (text.task().needsWholePrompt() && !text.task().isUndecided())) {
            return null;
        }
        KeptPrefixes.@Nullable Match best = prefixes.find(text);
        for (ScheduledText other : running) {
            if (other.hasBegun() && KeptPrefixes.serves(other.sequence(), text)) {
                int shared = text.shared(other);
                if (shared >= Math.max(KeptPrefixes.TOKENS_MIN, best == null ? 0 : best.tokens() + 1)) {
                    best = new KeptPrefixes.Match(other.sequence(), shared, false);
                }
            }
        }
        return best;
    }

    /** Feeds every text once: a token of each that generates, and pieces of prompts. */
    void step() {
        List<ScheduledText> fed = new ArrayList<>();
        List<Feed> feeds = new ArrayList<>();
        plan(fed, feeds);
        if (feeds.isEmpty()) {
            return;
        }
        List<StepOutput> outputs;
        try {
            outputs = decoder.step(feeds);
        } catch (IllegalArgumentException e) {
            // Nothing was fed. One by one it shows whose fault it is.
            for (int i = 0; i < fed.size(); i++) {
                stepAlone(fed.get(i), feeds.get(i));
            }
            return;
        } catch (RuntimeException e) {
            // The step is all or nothing for its texts: what the cache of each holds is not known any more.
            fed.forEach(text -> fail(text, e));
            return;
        }
        for (int i = 0; i < fed.size(); i++) {
            take(fed.get(i), feeds.get(i), outputs.get(i));
        }
    }

    private void plan(List<ScheduledText> fed, List<Feed> feeds) {
        int[] left = running.stream()
                .mapToInt(ScheduledText::promptLeft)
                .filter(tokens -> tokens > 0)
                .toArray(); // (texts that read)
        int[] shares = PromptShares.of(left, left.length < running.size() ? limits.promptTokensMax() : ALONE_TOKENS);
        int next = 0;
        for (ScheduledText text : running) {
            int tokens = text.promptLeft() > 0 ? shares[next++] : 1;
            if (tokens > 0) {
                fed.add(text);
                feeds.add(text.feed(tokens));
            }
        }
    }

    private void stepAlone(ScheduledText text, Feed feed) {
        StepOutput output;
        try {
            output = decoder.step(List.of(feed)).get(0);
        } catch (RuntimeException e) {
            fail(text, e);
            return;
        }
        take(text, feed, output);
    }

    private void take(ScheduledText text, Feed feed, StepOutput output) {
        int count = feed.tokens().length;
        boolean ofPrompt = text.sequence().length() <= text.promptTokens();
        try {
            if (text.task().isUndecided()) {
                observer.tokens(model, count, 0);
                decideIfRead(text);
                return;
            }
            boolean generated = text.take(output, count);
            observer.tokens(model, ofPrompt ? count : 0, generated ? 1 : 0);
            if (generated) {
                said(text, ofPrompt);
            }
            if (text.task().isDone()) {
                release(text, "done");
            }
        } catch (RuntimeException e) {
            fail(text, e);
        }
    }

    private void said(ScheduledText text, boolean first) {
        long now = System.nanoTime();
        long gapNanos = text.tokenGap(now);
        if (first) {
            observer.firstToken(model, now - text.submittedNanos());
        } else {
            observer.nextToken(model, gapNanos);
        }
    }

    private void fail(ScheduledText text, RuntimeException cause) {
        if (!(cause instanceof RequestRefusedException)) {
            LOG.error("a text of model {} failed", model, cause);
        }
        text.task().fail(cause);
        release(text, "error");
    }

    private void release(ScheduledText text, String how) {
        running.remove(text);
        reservedBytes.addAndGet(-text.bytesMax());
        count = running.size();
        if (text.hasBegun()) {
            if (how.equals("done")) {
                prefixes.keep(text.sequence(), text.read());
                prefixes.trim(limits.cacheBytesMax() - reservedBytes.get());
            } else {
                text.sequence().close();
            }
        }
        ended.accept(text, how);
    }

    /** Fails all texts and gives up the kept prefixes. */
    void close(RequestRefusedException cause) {
        List.copyOf(running).forEach(text -> fail(text, cause));
        prefixes.close();
    }
}
