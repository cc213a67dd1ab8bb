package io.quiver.cli.eval;

import java.nio.charset.StandardCharsets;

/**
 * A question with the answer that counts as right.
 *
 * @param skill of the adapter that should answer; empty if no adapter should
 * @param prompt the user's message
 * @param answer the whole text that is right; empty if only the choice of the adapter is looked at
 * @param wording how the question is put, such as {@code trained} and {@code new}; empty if not said
 */
public record Question(String skill, String prompt, String answer, String wording) {
    /** A tokenizer may hide a leading space, and the end of the text is a token too. */
    private static final int TOKENS_BESIDE_TEXT = 2;

    private static final int TOKENS_WITHOUT_ANSWER = 16;

    public Question {
        if (prompt.isEmpty()) {
            throw new IllegalArgumentException("a question has a prompt");
        }
        if (answer.isEmpty() && !skill.isEmpty()) {
            throw new IllegalArgumentException("a question for an adapter has an answer");
        }
    }

    boolean hasAnswer() {
        return !answer.isEmpty();
    }

    /** Tokens within which a right answer has ended, whatever the tokenizer: each has one byte of it at least. */
    int tokensMax() {
        return hasAnswer()
                ? answer.getBytes(StandardCharsets.UTF_8).length + TOKENS_BESIDE_TEXT
                : TOKENS_WITHOUT_ANSWER;
    }
}
