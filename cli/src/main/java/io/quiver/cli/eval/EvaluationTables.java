package io.quiver.cli.eval;

import io.quiver.terminal.Quantities;
import io.quiver.terminal.Table;
import io.quiver.terminal.Terminal;
import io.quiver.terminal.Terminal.Style;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/** Shows an evaluation to people: strategies side by side, then by skill, then who was chosen instead of whom. */
public final class EvaluationTables {
    private static final String NOTHING = "·";
    private static final String NO_ADAPTER = "(no adapter)";

    private final Terminal terminal;
    private final Evaluation evaluation;

    public EvaluationTables(Terminal terminal, Evaluation evaluation) {
        this.terminal = terminal;
        this.evaluation = evaluation;
    }

    /** Prints all tables. */
    public void print() {
        summary();
        bySkill("exact match", evaluation.results(), Score::exactMatch);
        List<StrategyResult> deciding =
                evaluation.results().stream().filter(StrategyResult::hasChoices).toList();
        if (!deciding.isEmpty()) {
            bySkill("choice right", deciding, Score::choiceAccuracy);
            noneOfThem(deciding);
        }
        deciding.forEach(this::confusion);
    }

    /** Prints how often each strategy was right, and for which skills. */
    public void printExactMatches() {
        summary();
        bySkill("exact match", evaluation.results(), Score::exactMatch);
    }

    private void summary() {
        Table table = new Table("strategy", "exact match", "of oracle", "choice right", "time", "a question");
        double oracle = evaluation.results().stream()
                .filter(result -> result.strategy().isOracle())
                .mapToDouble(result -> all(result).exactMatch())
                .findFirst()
                .orElse(Double.NaN);
        for (StrategyResult result : evaluation.results()) {
            Score score = all(result);
            table.row(
                    result.strategy().label(),
                    figure(score.exactMatch()),
                    figure(score.exactMatch() / oracle),
                    result.hasChoices() ? figure(score.choiceAccuracy()) : "–",
                    result.elapsed().isZero() ? "–" : Quantities.duration(result.elapsed()),
                    Quantities.duration(Duration.ofMillis(result.medianMillis())));
        }
        table.print(terminal);
        int questions = evaluation.results().get(0).answers().size();
        terminal.out()
                .println(terminal.paint(
                        Style.DIM,
                        String.format(
                                Locale.ROOT,
                                "(a question: the median; standard error of a part of %d: at most %.3f)",
                                questions,
                                0.5 / Math.sqrt(questions))));
    }

    private Score all(StrategyResult result) {
        return evaluation.score(result, question -> true);
    }

    private void bySkill(String what, List<StrategyResult> results, ToDoubleFunction<Score> figure) {
        List<String> headings = new ArrayList<>(List.of(what));
        results.forEach(result -> headings.add(result.strategy().label()));
        headings.add("questions");
        Table table = new Table(headings.toArray(String[]::new));
        for (String skill : evaluation.skills()) {
            row(
                    table,
                    skill.isEmpty() ? NO_ADAPTER : skill,
                    results,
                    figure,
                    question -> question.skill().equals(skill));
        }
        for (String wording : evaluation.wordings()) {
            row(
                    table,
                    "wording " + wording,
                    results,
                    figure,
                    question -> question.wording().equals(wording));
        }
        terminal.out().println();
        table.print(terminal);
    }

    /** Whether questions for an adapter got any, and those for nobody none; only where there are some for nobody. */
    private void noneOfThem(List<StrategyResult> deciding) {
        if (!evaluation.skills().contains("")) {
            return;
        }
        List<String> headings = new ArrayList<>(List.of("none of them"));
        deciding.forEach(result -> headings.add(result.strategy().label()));
        headings.add("questions");
        Table table = new Table(headings.toArray(String[]::new));
        if (evaluation.skills().size() > 1) {
            row(
                    table,
                    "an adapter's, kept one",
                    deciding,
                    Score::keptAnAdapter,
                    question -> !question.skill().isEmpty());
        }
        row(
                table,
                "nobody's, left to the base",
                deciding,
                Score::leftToBase,
                question -> question.skill().isEmpty());
        terminal.out().println();
        table.print(terminal);
    }

    private void row(
            Table table,
            String label,
            List<StrategyResult> results,
            ToDoubleFunction<Score> figure,
            Predicate<Question> which) {
        List<String> cells = new ArrayList<>(List.of(label));
        results.forEach(result -> cells.add(figure(figure.applyAsDouble(evaluation.score(result, which)))));
        cells.add(String.valueOf(results.get(0).answers().stream()
                .filter(answer -> which.test(answer.question()))
                .count()));
        table.row(cells.toArray(String[]::new));
    }

    /** Rows are the adapters that should have answered, columns those that did, under the numbers of their rows. */
    private void confusion(StrategyResult result) {
        List<String> columns = evaluation.choosable();
        List<String> headings =
                new ArrayList<>(List.of("chosen by " + result.strategy().label() + ", right"));
        for (int i = 1; i < columns.size(); i++) {
            headings.add(String.valueOf(i));
        }
        headings.add(Answered.BASE);
        Table table = new Table(headings.toArray(String[]::new));
        for (int i = 0; i < columns.size(); i++) {
            String reference = columns.get(i);
            Map<String, Integer> chosen = chosen(result, reference);
            List<String> cells =
                    new ArrayList<>(List.of(i < columns.size() - 1 ? (i + 1) + " " + reference : reference));
            columns.forEach(column -> cells.add(count(chosen.getOrDefault(column, 0))));
            // The base is a row where there are questions for nobody.
            if (i < columns.size() - 1 || !chosen.isEmpty()) {
                table.row(cells.toArray(String[]::new));
            }
        }
        terminal.out().println();
        table.print(terminal);
    }

    /** How often each was chosen for the questions that a reference should have answered. */
    private Map<String, Integer> chosen(StrategyResult result, String reference) {
        return evaluation.skills().stream()
                .filter(skill -> evaluation.right(skill).equals(reference))
                .map(skill -> evaluation.chosen(result, skill))
                .reduce(Map.of(), EvaluationTables::sum);
    }

    private static Map<String, Integer> sum(Map<String, Integer> some, Map<String, Integer> more) {
        Map<String, Integer> sum = new HashMap<>(some);
        more.forEach((key, count) -> sum.merge(key, count, Integer::sum));
        return sum;
    }

    private static String count(int count) {
        return count == 0 ? NOTHING : String.valueOf(count);
    }

    private static String figure(double part) {
        return Double.isFinite(part) ? String.format(Locale.ROOT, "%.3f", part) : "–";
    }
}
