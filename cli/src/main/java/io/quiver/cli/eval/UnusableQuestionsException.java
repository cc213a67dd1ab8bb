package io.quiver.cli.eval;

/** Questions, strategies and library do not make an evaluation. The message says what to do. */
public final class UnusableQuestionsException extends RuntimeException {
    UnusableQuestionsException(String message) {
        super(message);
    }
}
