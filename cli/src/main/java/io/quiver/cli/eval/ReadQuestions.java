package io.quiver.cli.eval;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reads a file of questions: a JSON array of {@code {"skill", "prompt", "answer", "wording"}}. */
public final class ReadQuestions {
    static final int QUESTIONS_MAX = 100_000;
    private static final long BYTES_MAX = 64L << 20;
    private static final String FORM = "a JSON array of {\"skill\": \"sql\", \"prompt\": \"…\", \"answer\": \"…\"}";

    private ReadQuestions() {}

    /**
     * All questions of a file, in its order.
     *
     * @throws UnusableQuestionsException if it is no such array, is empty, or too large
     */
    public static List<Question> read(Path file) throws IOException {
        long sizeBytes = Files.size(file);
        if (sizeBytes > BYTES_MAX) {
            throw new UnusableQuestionsException(file + " has " + sizeBytes + " bytes; the limit is " + BYTES_MAX);
        }
        JsonNode array;
        try {
            array = JsonMapper.shared().readTree(Files.readAllBytes(file));
        } catch (JacksonException e) {
            throw new UnusableQuestionsException(
                    file + " is no JSON: " + e.getOriginalMessage() + "; questions are " + FORM);
        }
        if (!array.isArray() || array.isEmpty()) {
            throw new UnusableQuestionsException(file + " has no questions: they are " + FORM);
        }
        if (array.size() > QUESTIONS_MAX) {
            throw new UnusableQuestionsException(
                    file + " has " + array.size() + " questions; the limit is " + QUESTIONS_MAX);
        }
        List<Question> questions = new ArrayList<>();
        for (int i = 0; i < array.size(); i++) {
            questions.add(question(array.path(i), file + ", question " + (i + 1)));
        }
        return questions;
    }

    /** {@code skill} null, or left out, says that no adapter should answer. */
    private static Question question(JsonNode json, String where) {
        try {
            return new Question(
                    text(json, "skill", where),
                    text(json, "prompt", where),
                    text(json, "answer", where),
                    text(json, "wording", where));
        } catch (IllegalArgumentException e) {
            throw new UnusableQuestionsException(where + ": " + e.getMessage() + "; questions are " + FORM);
        }
    }

    private static String text(JsonNode json, String field, String where) {
        JsonNode value = json.path(field);
        if (!json.isObject() || !(value.isMissingNode() || value.isNull() || value.isString())) {
            throw new UnusableQuestionsException(where + ": " + field + " is no text; questions are " + FORM);
        }
        return value.asString("");
    }

    /** The first questions of each skill, in the order of the file. */
    public static List<Question> firstOfEach(List<Question> questions, int perSkill) {
        Map<String, Integer> seen = new HashMap<>();
        return questions.stream()
                .filter(question -> seen.merge(question.skill(), 1, Integer::sum) <= perSkill)
                .toList();
    }
}
