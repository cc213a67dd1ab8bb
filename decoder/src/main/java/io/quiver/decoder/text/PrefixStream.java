package io.quiver.decoder.text;

import java.util.Arrays;
import java.util.function.Function;

/**
 * Decodes any tokenizer: the new text is what the decoding of the last tokens with the newest one has more than without
 * it. A few tokens already given out go before, because decoders treat the first token of a text in their own way.
 */
final class PrefixStream implements TokenStream {
    private static final char REPLACEMENT = '\uFFFD';
    /** Three byte tokens can wait for the fourth of their character; more than that is no character. */
    private static final int HELD_TOKENS_MAX = 4;

    private static final int CONTEXT_TOKENS = 6;

    private final Function<int[], String> decode;
    private int[] tokens = {}; // (context + held)
    private int given;

    PrefixStream(Function<int[], String> decode) {
        this.decode = decode;
    }

    @Override
    public String push(int token) {
        tokens = Arrays.copyOf(tokens, tokens.length + 1);
        tokens[tokens.length - 1] = token;
        String piece = piece();
        boolean incomplete = !piece.isEmpty() && piece.charAt(piece.length() - 1) == REPLACEMENT;
        if (incomplete && tokens.length - given < HELD_TOKENS_MAX) {
            return "";
        }
        int keep = Math.min(tokens.length, CONTEXT_TOKENS);
        tokens = Arrays.copyOfRange(tokens, tokens.length - keep, tokens.length);
        given = tokens.length;
        return piece;
    }

    @Override
    public String finish() {
        String piece = given == tokens.length ? "" : piece();
        given = tokens.length;
        return piece;
    }

    private String piece() {
        String before = decode.apply(Arrays.copyOf(tokens, given));
        String all = decode.apply(tokens);
        return all.length() > before.length() ? all.substring(before.length()) : "";
    }
}
