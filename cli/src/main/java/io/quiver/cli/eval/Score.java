package io.quiver.cli.eval;

import java.util.List;

/**
 * How often answers were right.
 *
 * @param questions with an answer to compare with
 * @param exact of them, answered letter by letter
 * @param choices in which somebody was chosen
 * @param rightChoices of them, the right adapter, or the base where no adapter should answer
 * @param baseChoices of them, the base
 */
public record Score(int questions, int exact, int choices, int rightChoices, int baseChoices) {
    /** @param right the reference of the right adapter of each question's skill, {@link Answered#BASE} for those of none */
    static Score of(List<Answered> answers, RightChoice right) {
        int questions = 0;
        int exact = 0;
        int choices = 0;
        int rightChoices = 0;
        int baseChoices = 0;
        for (Answered answer : answers) {
            questions += answer.question().hasAnswer() ? 1 : 0;
            exact += answer.isExact() ? 1 : 0;
            choices += answer.chosen().equals(Answered.NOBODY) ? 0 : 1;
            rightChoices += answer.chosen().equals(right.of(answer.question())) ? 1 : 0;
            baseChoices += answer.chosen().equals(Answered.BASE) ? 1 : 0;
        }
        return new Score(questions, exact, choices, rightChoices, baseChoices);
    }

    /** Who should answer a question. */
    @FunctionalInterface
    interface RightChoice {
        String of(Question question);
    }

    /** The part of the questions that was answered letter by letter; NaN if there are none. */
    public double exactMatch() {
        return exact / (double) questions;
    }

    /** The part of the choices that were right; NaN if nobody was ever chosen. */
    public double choiceAccuracy() {
        return rightChoices / (double) choices;
    }

    /** The part of the choices that left a question to the base; NaN if nobody was ever chosen. */
    public double leftToBase() {
        return baseChoices / (double) choices;
    }

    /** The part of the choices that gave a question to an adapter, right or wrong; NaN if nobody was ever chosen. */
    public double keptAnAdapter() {
        return 1 - leftToBase();
    }
}
