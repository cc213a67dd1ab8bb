package io.quiver.standalone;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
 * @param prompts questions that a person might ask
 */
record QuickstartFolder(List<Path> baseFiles, List<Path> experts, List<String> prompts) {
    QuickstartFolder {
        baseFiles = List.copyOf(baseFiles);
        experts = List.copyOf(experts);
        prompts = List.copyOf(prompts);
        if (baseFiles.isEmpty() || experts.isEmpty() || prompts.isEmpty()) {
            throw new IllegalArgumentException(
                    "a quickstart folder has files in base, folders in experts, and prompts");
        }
    }

    /** Reads {@code base/}, {@code experts/*} and {@code prompts.json}; throws {@link StandaloneException}. */
    static QuickstartFolder read(Path folder) {
        try {
            JsonNode prompts = JsonMapper.shared()
                    .readTree(Files.readString(folder.resolve("prompts.json")))
                    .path("prompts");
            var questions = new ArrayList<String>();
            prompts.forEach(prompt -> questions.add(prompt.path("prompt").asString("")));
            return new QuickstartFolder(
                    children(folder.resolve("base"), Files::isRegularFile),
                    children(folder.resolve("experts"), Files::isDirectory),
                    questions);
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
