package io.quiver.router;

/** Is told what a decode thread does, to count it. Calls must be quick. */
public interface DecodeObserver {
    /** A text has left the queue. */
    void begun(String model, long waitedNanos);

    /** A prompt was looked up among what was read before; so many of its tokens need not be read again. */
    void prefix(String model, int promptTokens, int reusedTokens);

    /** A text has one token more. */
    void nextToken(String model, long gapNanos);

    /** A text has its first token. */
    void firstToken(String model, long waitedNanos);

    /** A step has read tokens of prompts and generated tokens. */
    void tokens(String model, int promptTokens, int generatedTokens);

    /** A text has ended, well or not: {@code stop}, {@code length}, {@code cancelled} or {@code error}. */
    void ended(String model, String how, long elapsedNanos);

    /** Follows the numbers of texts that a scheduler decodes, and that wait for it. */
    void watch(String model, DecodeScheduler scheduler);
}
