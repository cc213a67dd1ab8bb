package io.quiver.cli.eval;

import java.time.Duration;
import java.util.List;

/**
 * What one strategy made of all questions.
 *
 * @param answers in the order of the questions, at least one
 * @param elapsed from the first question that was asked to the last answer; zero if all answers are from an earlier run
 */
public record StrategyResult(EvaluatedStrategy strategy, List<Answered> answers, Duration elapsed) {
    public StrategyResult {
        answers = List.copyOf(answers);
        if (answers.isEmpty()) {
            throw new IllegalArgumentException("a result has answers");
        }
    }

    /** The middle of the times from question to answer; of two middles the longer. */
    public long medianMillis() {
        long[] sorted =
                answers.stream().mapToLong(Answered::elapsedMillis).sorted().toArray(); // (answers)
        return sorted[sorted.length / 2];
    }

    /** Whether its choices say anything: it decides, and has chosen. */
    public boolean hasChoices() {
        return strategy.decides()
                && answers.stream().anyMatch(answer -> !answer.chosen().equals(Answered.NOBODY));
    }
}
