package io.quiver.decoder.text;

/**
 * Turns the tokens of one text into text as they come. The pieces, put together, are what decoding all tokens at once
 * gives; a piece never ends inside a character. One owner, not thread-safe.
 */
public interface TokenStream {
    /** Takes the next token; returns the text that is certain by it, often empty in the middle of a character. */
    String push(int token);

    /** Ends the text; returns what was held back: bytes that never became a character, as U+FFFD. */
    String finish();
}
