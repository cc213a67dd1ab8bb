package io.quiver.decoder.text;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Where a model folder keeps its chat template: {@code chat_template.jinja}, or {@code chat_template} in
 * tokenizer_config.json, which is a text or a list of named ones.
 */
public final class ChatTemplateFile {
    /** The largest template or tokenizer_config.json that is read. */
    public static final long FILE_BYTES_MAX = 8L << 20;

    private static final String TEMPLATE_FILE = "chat_template.jinja";
    private static final String CONFIG_FILE = "tokenizer_config.json";
    private static final JsonMapper MAPPER = JsonMapper.builder().build();

    private ChatTemplateFile() {}

    /**
     * Finds the template of a model folder.
     *
     * @return nothing if the model has none: it is no chat model
     * @throws IllegalArgumentException if a file is too large or cannot be read
     */
    public static Optional<ChatTemplate> read(Path folder) {
        JsonNode config = config(folder.resolve(CONFIG_FILE));
        String separate = text(folder.resolve(TEMPLATE_FILE));
        Optional<String> source = separate != null ? Optional.of(separate) : inConfig(config.path("chat_template"));
        return source.map(template -> new ChatTemplate(template, specialTokens(config)));
    }

    private static JsonNode config(Path path) {
        String json = text(path);
        try {
            return json == null ? MAPPER.createObjectNode() : MAPPER.readTree(json);
        } catch (JacksonException e) {
            throw new IllegalArgumentException(CONFIG_FILE + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static Optional<String> inConfig(JsonNode template) {
        if (template.isString()) {
            return Optional.of(template.asString());
        }
        for (JsonNode named : template) {
            if (named.path("name").asString("").equals("default")) {
                return Optional.of(named.path("template").asString(""));
            }
        }
        return Optional.empty();
    }

    private static Map<String, String> specialTokens(JsonNode config) {
        Map<String, String> tokens = new HashMap<>();
        config.properties().forEach(entry -> {
            if (entry.getKey().endsWith("_token")) {
                // Either the text itself or an object that describes the added token.
                JsonNode value = entry.getValue();
                JsonNode content = value.isObject() ? value.path("content") : value;
                if (content.isString()) {
                    tokens.put(entry.getKey(), content.asString());
                }
            }
        });
        return tokens;
    }

    private static @Nullable String text(Path path) {
        try {
            if (!Files.isRegularFile(path)) {
                return null;
            }
            if (Files.size(path) > FILE_BYTES_MAX) {
                throw new IllegalArgumentException(
                        path.getFileName() + " has " + Files.size(path) + " bytes; the limit is " + FILE_BYTES_MAX);
            }
            return Files.readString(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
