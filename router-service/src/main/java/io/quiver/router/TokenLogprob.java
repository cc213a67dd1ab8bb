package io.quiver.router;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How likely the model found one token of a text, as the natural logarithm of its probability: softmax of the model's own
 * logits, before bias, penalties, temperature and filters.
 *
 * @param logprob null for the first token of a prompt, which nothing predicts
 * @param textOffset code points of the text before the token
 * @param top the likeliest tokens at this place, likeliest first; empty for the first token of a prompt
 */
public record TokenLogprob(Piece piece, @Nullable Double logprob, int textOffset, List<Candidate> top) {
    public TokenLogprob {
        top = List.copyOf(top);
    }

    /**
     * A token and what it stands for.
     *
     * @param token its id
     * @param bytes that it adds to a text, not always whole characters // (bytes)
     */
    public record Piece(int token, byte[] bytes) {}

    /** A token that could have come. */
    public record Candidate(Piece piece, double logprob) {}
}
