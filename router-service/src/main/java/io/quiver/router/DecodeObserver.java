package io.quiver.router;

/** Is told what is decoded and how it is routed, to count it. Calls must be quick. Thread-safe. */
public interface DecodeObserver {
    /** A text has left the queue. */
    void begun(String model, long waitedNanos);

    /** A prompt was looked up among what was read before; so many of its tokens need not be read again. */
    void prefix(String model, int promptTokens, int reusedTokens);

    /** Evidence has decided about a text: {@code expert}, {@code none} or {@code refused}. */
    void decided(String model, String outcome);

    /** A request for some texts was admitted, to be routed by that strategy. */
    void routed(String model, String strategy, int texts);

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
