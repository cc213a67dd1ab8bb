package io.quiver.cli.eval;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes an evaluation with every answer, for programs. */
public final class EvaluationJson {
    private final Evaluation evaluation;
    private final ObjectNode root = JsonMapper.shared().createObjectNode();

    private EvaluationJson(Evaluation evaluation) {
        this.evaluation = evaluation;
    }

    /**
     * The whole evaluation; parts of nothing are null.
     *
     * @param questions the file that they came from
     * @param at when it began
     */
    public static ObjectNode of(Evaluation evaluation, String questions, int concurrency, Instant at) {
        return new EvaluationJson(evaluation).write(questions, concurrency, at);
    }

    private ObjectNode write(String questions, int concurrency, Instant at) {
        root.put("questions", questions)
                .put("question_count", evaluation.results().get(0).answers().size())
                .put("began_at", at.toString())
                .put("concurrency", concurrency)
                .put("base", evaluation.library().base());
        ArrayNode library = root.putArray("library");
        evaluation.library().references().forEach(library::add);
        ObjectNode rights = root.putObject("right_adapters");
        evaluation.skills().stream()
                .filter(skill -> !skill.isEmpty())
                .forEach(skill -> rights.put(skill, evaluation.right(skill)));
        ArrayNode strategies = root.putArray("strategies");
        evaluation.results().forEach(result -> write(result, strategies.addObject()));
        return root;
    }

    private void write(StrategyResult result, ObjectNode json) {
        json.put("strategy", result.strategy().label());
        write(result, question -> true, json);
        json.put("elapsed_millis", result.elapsed().toMillis()).put("question_millis_median", result.medianMillis());
        ObjectNode bySkill = json.putObject("by_skill");
        for (String skill : evaluation.skills()) {
            write(result, question -> question.skill().equals(skill), bySkill.putObject(skill));
        }
        ObjectNode byWording = json.putObject("by_wording");
        for (String wording : evaluation.wordings()) {
            write(result, question -> question.wording().equals(wording), byWording.putObject(wording));
        }
        if (result.hasChoices()) {
            ObjectNode chosen = json.putObject("chosen_by_skill");
            for (String skill : evaluation.skills()) {
                Map<String, Integer> counts = evaluation.chosen(result, skill);
                ObjectNode row = chosen.putObject(skill);
                counts.forEach(row::put);
            }
        }
        write(result.answers(), json.putArray("answers"));
    }

    private void write(StrategyResult result, Predicate<Question> which, ObjectNode json) {
        Score score = evaluation.score(result, which);
        json.put("questions", score.questions()).put("exact", score.exact());
        put(json, "exact_match", score.exactMatch());
        put(json, "choice_accuracy", result.hasChoices() ? score.choiceAccuracy() : Double.NaN);
        put(json, "left_to_base", result.hasChoices() ? score.leftToBase() : Double.NaN);
    }

    private static void put(ObjectNode json, String field, double part) {
        if (Double.isFinite(part)) {
            json.put(field, part);
        } else {
            json.putNull(field);
        }
    }

    private static void write(List<Answered> answers, ArrayNode array) {
        for (Answered answer : answers) {
            ObjectNode json = array.addObject()
                    .put("skill", answer.question().skill())
                    .put("prompt", answer.question().prompt())
                    .put("wording", answer.question().wording())
                    .put("right", answer.question().answer())
                    .put("answer", answer.text())
                    .put("exact", answer.isExact())
                    .put("chosen", answer.chosen())
                    .put("elapsed_millis", answer.elapsedMillis());
            json.set("routing", answer.routing());
        }
    }
}
