package io.quiver.cli.verify;

/** What came of one case. */
sealed interface Outcome {
    /** For people: what was compared, or why not. */
    String details();

    /** Everything compared was within its tolerance. */
    record Passed(String details) implements Outcome {}

    /** Something was not, or could not be compared though it should. */
    record Failed(String details) implements Outcome {}

    /** Quiver does not compute this; nothing was compared. */
    record NotSupported(String details) implements Outcome {}
}
