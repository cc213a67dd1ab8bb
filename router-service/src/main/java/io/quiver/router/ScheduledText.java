package io.quiver.router;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.Decoder.StepOutput;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.lora.evidence.ProbePoint;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A text in the hands of a scheduler: its task, the tokens known of it, and the sequence that has read some of them. Owned by
 * the decode thread from its beginning on.
 */
final class ScheduledText {
    private final TextTask task;
    private final String client;
    private final AutoCloseable keeps;
    private final long submittedNanos;
    private final int[] tokens; // (prompt and generated, at most)
    private final long bytesMax;
    private int known;
    private @Nullable Sequence sequence;
    private long tokenNanos;

    /**
     * @param client whose text it is
     * @param keeps given back when the text ends
     */
    ScheduledText(TextTask task, String client, AutoCloseable keeps, long submittedNanos, Decoder decoder) {
        this.task = task;
        this.client = client;
        this.keeps = keeps;
        this.submittedNanos = submittedNanos;
        int[] prompt = task.order().prompt();
        tokens = Arrays.copyOf(prompt, prompt.length + task.order().tokensMax());
        known = prompt.length;
        long reading = task.isUndecided() ? decoder.cacheBytes(prompt.length, task.probed()) : 0;
        bytesMax = Math.max(reading, decoder.cacheBytes(answerPositionsMax()));
    }

    TextTask task() {
        return task;
    }

    String client() {
        return client;
    }

    AutoCloseable keeps() {
        return keeps;
    }

    long submittedNanos() {
        return submittedNanos;
    }

    Routing routing() {
        return task.routing();
    }

    /** The points whose inputs its sequence keeps now. */
    List<ProbePoint> probed() {
        return task.probed();
    }

    /** What its sequences take at most, one after another: the one that its experts are chosen by, and the one that answers. */
    long bytesMax() {
        return bytesMax;
    }

    int promptTokens() {
        return task.order().prompt().length;
    }

    /** Tokens that its sequence will hold at most: all but the last one generated, which nothing follows. */
    int positionsMax() {
        return task.isUndecided() ? promptTokens() : answerPositionsMax();
    }

    private int answerPositionsMax() {
        return Math.max(promptTokens(), tokens.length - 1);
    }

    void begin(Sequence opened) {
        sequence = opened;
    }

    /** Gives its sequence away: it has not begun any more. */
    Sequence handOver() {
        Sequence given = sequence();
        sequence = null;
        return given;
    }

    boolean hasBegun() {
        return sequence != null;
    }

    Sequence sequence() {
        return Objects.requireNonNull(sequence, "the text has begun");
    }

    /** The tokens that its sequence has read. */
    int[] read() { // (tokens)
        return Arrays.copyOf(tokens, sequence().length());
    }

    /**
     * How many tokens of the prompt are the first ones of a sequence that has read others; all but the last at most, after which
     * the text goes on, unless the prompt is only read to choose experts.
     */
    int shared(int[] others, int count) {
        int most = Math.min(count, task.isUndecided() ? promptTokens() : promptTokens() - 1);
        int different = Arrays.mismatch(tokens, 0, most, others, 0, most);
        return different < 0 ? most : different;
    }

    /** The same, of another text's sequence. */
    int shared(ScheduledText other) {
        return shared(other.tokens, other.sequence().length());
    }

    /** Tokens of the prompt that were not read yet. */
    int promptLeft() {
        return Math.max(0, promptTokens() - sequence().length());
    }

    /** Some tokens of the prompt, or the one generated last. */
    Feed feed(int count) {
        int from = sequence().length();
        boolean everyToken = from < promptTokens() && task.order().everyToken() && !task.isUndecided();
        return new Feed(sequence(), Arrays.copyOfRange(tokens, from, from + count), everyToken);
    }

    /**
     * Takes what a feed of so many tokens led to, once experts are chosen.
     *
     * @return whether a token was generated
     */
    boolean take(StepOutput output, int count) {
        if (known > promptTokens()) {
            task.proceed(output);
        } else {
            task.read(output, sequence().length() - count, count);
            if (promptLeft() > 0 || tokens.length == promptTokens()) {
                return false;
            }
        }
        tokens[known++] = task.last();
        return true;
    }

    /** The nanoseconds since the token before, 0 for the first one. */
    long tokenGap(long nanos) {
        long gap = tokenNanos == 0 ? 0 : nanos - tokenNanos;
        tokenNanos = nanos;
        return gap;
    }
}
