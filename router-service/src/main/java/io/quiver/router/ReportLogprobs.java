package io.quiver.router;

import io.quiver.decoder.text.TokenStream;
import io.quiver.decoder.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Reports the log-probabilities of one text's tokens, with their places in it. One owner, not thread-safe. */
final class ReportLogprobs {
    private final Tokenizer tokenizer;
    private final TextTask.Order order;
    private final String echo;
    private final int top;
    private final TokenStream promptStream;
    private final List<TokenLogprob> prompt = new ArrayList<>();
    /** UTF-16 units of the prompt before its next token, and code points. */
    private int promptChars;

    private int promptPoints;
    /** What predicts the next token of the prompt; null before the first. */
    private @Nullable Logprobs predicted;
    /** Code points before the next generated token. */
    private int offset;

    ReportLogprobs(Tokenizer tokenizer, TextTask.Order order) {
        this.tokenizer = tokenizer;
        this.order = order;
        this.echo = Objects.requireNonNullElse(order.echo(), "");
        this.top = Objects.requireNonNullElse(order.topLogprobs(), 0);
        this.promptStream = tokenizer.stream();
        this.offset = echo.codePointCount(0, echo.length());
    }

    /**
     * Takes the logits after some tokens of the prompt.
     *
     * @param logits after each // (tokens, vocabulary)
     * @param from the first of the tokens
     */
    void read(float[][] logits, int from) {
        for (int row = 0; row < logits.length; row++) {
            int token = order.prompt()[from + row];
            prompt.add(predicted == null ? first(token, promptPoints) : report(predicted, token, promptPoints));
            predicted = Logprobs.of(logits[row]);
            int end = Math.min(echo.length(), promptChars + chars(token));
            promptPoints += echo.codePointCount(promptChars, end);
            promptChars = end;
        }
    }

    /** How many characters of the prompt a token is. One that the tokenizer put before the text is none. */
    private int chars(int token) {
        String pushed = promptStream.push(token);
        if (!pushed.isEmpty()) {
            return pushed.length();
        }
        String name = tokenizer.text(token);
        return echo.startsWith(name, promptChars) ? name.length() : 0;
    }

    /** The tokens of the prompt. */
    List<TokenLogprob> prompt() {
        return prompt;
    }

    /**
     * Reports a generated token.
     *
     * @param logits that it was drawn from, as the model gave them // (vocabulary)
     * @param text that became certain by it
     */
    TokenLogprob generated(float[] logits, int token, String text) {
        // Bytes held back from tokens before come first in the text, as what they turned out to be.
        String own = new String(tokenizer.bytes(token), StandardCharsets.UTF_8);
        String before = text.endsWith(own) ? text.substring(0, text.length() - own.length()) : "";
        int at = offset + before.codePointCount(0, before.length());
        offset += text.codePointCount(0, text.length());
        return report(Logprobs.of(logits), token, at);
    }

    private TokenLogprob first(int token, int at) {
        return new TokenLogprob(piece(token), null, at, List.of());
    }

    private TokenLogprob report(Logprobs logprobs, int token, int at) {
        List<TokenLogprob.Candidate> candidates = new ArrayList<>();
        for (int candidate : logprobs.top(top)) {
            candidates.add(new TokenLogprob.Candidate(piece(candidate), logprobs.of(candidate)));
        }
        return new TokenLogprob(piece(token), logprobs.of(token), at, candidates);
    }

    private TokenLogprob.Piece piece(int token) {
        return new TokenLogprob.Piece(token, tokenizer.bytes(token));
    }
}
