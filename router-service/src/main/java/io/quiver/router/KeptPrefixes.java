package io.quiver.router;

import io.quiver.decoder.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Keys and values of texts that have ended, and of prompts that the bare base has read to choose experts, with the inputs kept
 * for that; for texts to come that begin with the same tokens under an equal routing. A routing
 * holds resident experts, one object for each digest, and all parameters, so that a name which means something else now never
 * finds what was computed before. Under a limit of bytes; what was used longest ago goes first. Owned by one decode thread;
 * the totals may be read from any.
 */
final class KeptPrefixes implements AutoCloseable {
    /** Shorter beginnings are read again: that takes no longer than copying them. */
    static final int TOKENS_MIN = 16;

    private static final class Kept {
        final Sequence sequence; // frozen
        final int[] tokens; // (tokens)

        Kept(Sequence sequence, int[] tokens) {
            this.sequence = sequence;
            this.tokens = tokens;
        }
    }

    /**
     * A sequence to begin with.
     *
     * @param tokens how many of its tokens are shared
     * @param kept whether it is kept here, and not of a running text
     */
    record Match(Sequence sequence, int tokens, boolean kept) {}

    private final long bytesMax;
    /** Used longest ago first. */
    private final List<Kept> kept = new ArrayList<>();

    private volatile long bytes;
    private volatile int count;

    /** @param bytesMax of all together; 0 keeps nothing */
    KeptPrefixes(long bytesMax) {
        this.bytesMax = bytesMax;
    }

    /** The longest beginning of a text's prompt that is kept, if it is worth it. */
    @Nullable
    Match find(ScheduledText text) {
        Kept best = null;
        int most = TOKENS_MIN - 1;
        for (Kept each : kept) {
            if (serves(each.sequence, text)) {
                int shared = text.shared(each.tokens, each.tokens.length);
                if (shared > most) {
                    most = shared;
                    best = each;
                }
            }
        }
        if (best == null) {
            return null;
        }
        kept.remove(best);
        kept.add(best);
        return new Match(best.sequence, most, true);
    }

    /** Whether a text could begin with what a sequence has read: with its routing, and with the inputs that it needs kept. */
    static boolean serves(Sequence sequence, ScheduledText text) {
        return sequence.routing().equals(text.routing()) && sequence.probed().containsAll(text.probed());
    }

    /** Keeps what a text has read, and takes over its sequence; what is a part of it goes. */
    void keep(Sequence sequence, int[] tokens) {
        if (tokens.length < TOKENS_MIN || sequence.cacheBytes() > bytesMax) {
            sequence.close();
            return;
        }
        sequence.freeze();
        for (Iterator<Kept> each = kept.iterator(); each.hasNext(); ) {
            Kept old = each.next();
            if (old.sequence.routing().equals(sequence.routing())
                    && sequence.probed().containsAll(old.sequence.probed())
                    && isPrefix(old.tokens, tokens)) {
                old.sequence.close();
                each.remove();
            }
        }
        kept.add(new Kept(sequence, tokens));
        trim(bytesMax);
    }

    private static boolean isPrefix(int[] shorter, int[] longer) {
        return shorter.length <= longer.length && Arrays.equals(shorter, 0, shorter.length, longer, 0, shorter.length);
    }

    /** Gives up the ones used longest ago until the others take so many bytes at most. */
    void trim(long most) {
        while (!kept.isEmpty() && total() > most) {
            kept.remove(0).sequence.close();
        }
        bytes = total();
        count = kept.size();
    }

    boolean holds(Sequence sequence) {
        return kept.stream().anyMatch(each -> each.sequence == sequence);
    }

    private long total() {
        return kept.stream().mapToLong(each -> each.sequence.cacheBytes()).sum();
    }

    long bytes() {
        return bytes;
    }

    int count() {
        return count;
    }

    @Override
    public void close() {
        trim(-1);
    }
}
