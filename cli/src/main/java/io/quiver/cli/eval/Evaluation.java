package io.quiver.cli.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * What all strategies made of the same questions.
 *
 * @param rights the reference of the right adapter, by skill
 * @param results in the order that the person wrote them
 */
public record Evaluation(Library library, Map<String, String> rights, List<StrategyResult> results) {
    public Evaluation {
        rights = Map.copyOf(rights);
        results = List.copyOf(results);
    }

    /** All skills in alphabetical order; the empty one, of questions for no adapter, first. */
    public List<String> skills() {
        return results.get(0).answers().stream()
                .map(answer -> answer.question().skill())
                .distinct()
                .sorted()
                .toList();
    }

    /** All wordings that the questions name, in alphabetical order. */
    public List<String> wordings() {
        return results.get(0).answers().stream()
                .map(answer -> answer.question().wording())
                .filter(wording -> !wording.isEmpty())
                .distinct()
                .sorted()
                .toList();
    }

    /** Who should answer questions of a skill. */
    public String right(String skill) {
        return skill.isEmpty() ? Answered.BASE : rights.getOrDefault(skill, Answered.BASE);
    }

    /** The score over some of the questions. */
    public Score score(StrategyResult result, Predicate<Question> which) {
        return Score.of(
                result.answers().stream()
                        .filter(answer -> which.test(answer.question()))
                        .toList(),
                question -> right(question.skill()));
    }

    /** How many questions of a skill each was chosen for, by reference; {@link Answered#NOBODY} for no choice. */
    public Map<String, Integer> chosen(StrategyResult result, String skill) {
        Map<String, Integer> counts = new TreeMap<>();
        for (Answered answer : result.answers()) {
            if (answer.question().skill().equals(skill)) {
                counts.merge(answer.chosen(), 1, Integer::sum);
            }
        }
        return counts;
    }

    /** Everything that can be chosen, in the order of a table's columns: the library, then the base. */
    public List<String> choosable() {
        List<String> columns = new ArrayList<>(library.references());
        columns.add(Answered.BASE);
        return columns;
    }
}
