package io.quiver.standalone;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The bundled model: a base, experts on it, and questions for them.
 *
 * @param baseFiles every file of the base model's folder
 * @param experts folders of adapters, by name
 * @param questions the first question of each skill, not picked
 */
record QuickstartFolder(List<Path> baseFiles, List<Path> experts, List<Question> questions) {
    static final String QUESTIONS = "questions.json";

    QuickstartFolder {
        baseFiles = List.copyOf(baseFiles);
        experts = List.copyOf(experts);
        questions = List.copyOf(questions);
        if (baseFiles.isEmpty() || experts.isEmpty() || questions.isEmpty()) {
            throw new IllegalArgumentException(
                    "a quickstart folder has files in base, folders in experts, and questions");
        }
    }

    /** What is asked, and the answer that is right. */
    record Question(String prompt, String answer) {}

    /** Reads {@code base/}, {@code experts/*} and {@code questions.json}; throws {@link StandaloneException}. */
    static QuickstartFolder read(Path folder) {
        try {
            JsonNode questions = JsonMapper.shared().readTree(Files.readString(folder.resolve(QUESTIONS)));
            Map<String, Question> firsts = new LinkedHashMap<>();
            for (JsonNode question : questions) {
                firsts.putIfAbsent(
                        question.path("skill").asString(""),
                        new Question(
                                question.path("prompt").asString(""),
                                question.path("answer").asString("")));
            }
            return new QuickstartFolder(
                    children(folder.resolve("base"), Files::isRegularFile),
                    children(folder.resolve("experts"), Files::isDirectory),
                    List.copyOf(firsts.values()));
        } catch (IOException | JacksonException | IllegalArgumentException e) {
            throw new StandaloneException("no quickstart model in " + folder + ": " + e, e);
        }
    }

    private static List<Path> children(Path folder, Predicate<Path> wanted) throws IOException {
        try (Stream<Path> children = Files.list(folder)) {
            return children.filter(wanted).sorted().toList();
        }
    }
}
