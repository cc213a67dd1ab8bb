package io.quiver.cli.verify;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A folder of reference values; paths inside its files start at its root and never leave it. */
record ReferenceFolder(Path root) {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final long JSON_BYTES_MAX = 64L << 20;

    ReferenceFolder {
        root = root.toAbsolutePath().normalize();
    }

    /** @throws IllegalArgumentException if the path leads out of the folder */
    Path resolve(String path) {
        Path resolved = root.resolve(path).normalize();
        if (!resolved.startsWith(root)) {
            throw new IllegalArgumentException("the path " + path + " leads out of the folder");
        }
        return resolved;
    }

    boolean has(String path) {
        return Files.exists(resolve(path));
    }

    /** @throws IllegalArgumentException if it is no JSON or too large */
    JsonNode json(String path) throws IOException {
        Path file = resolve(path);
        if (Files.size(file) > JSON_BYTES_MAX) {
            throw new IllegalArgumentException(path + " has more than " + JSON_BYTES_MAX + " bytes");
        }
        try {
            return JSON.readTree(Files.readAllBytes(file));
        } catch (JacksonException e) {
            throw new IllegalArgumentException(path + " cannot be read: " + e.getOriginalMessage(), e);
        }
    }

    /** Names in a folder, sorted; none if it is not there. */
    List<String> names(String path) throws IOException {
        if (!Files.isDirectory(resolve(path))) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(resolve(path))) {
            return new ArrayList<>(files.map(file -> String.valueOf(file.getFileName()))
                    .filter(name -> !name.startsWith("."))
                    .sorted()
                    .toList());
        }
    }

    /** Names of the folders in a folder, sorted. */
    List<String> folders(String path) throws IOException {
        return names(path).stream()
                .filter(name -> Files.isDirectory(resolve(path).resolve(name)))
                .toList();
    }
}
