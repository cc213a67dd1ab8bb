package io.quiver.decoder.text;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What a tokenizer.json says about single tokens: their pieces, which are special, and whether they are bytes. */
final class TokenizerFile {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();

    private final Map<Integer, String> pieces;
    private final Set<Integer> special;
    private final boolean byteLevel;

    private TokenizerFile(Map<Integer, String> pieces, Set<Integer> special, boolean byteLevel) {
        this.pieces = pieces;
        this.special = special;
        this.byteLevel = byteLevel;
    }

    /** @throws IllegalArgumentException if it is no tokenizer.json */
    static TokenizerFile parse(byte[] json) {
        try {
            JsonNode root = MAPPER.readTree(json);
            Map<Integer, String> pieces = new HashMap<>();
            JsonNode vocabulary = root.path("model").path("vocab");
            if (vocabulary.isObject()) {
                vocabulary
                        .properties()
                        .forEach(entry -> pieces.put(entry.getValue().asInt(), entry.getKey()));
            } else {
                // Unigram models list [piece, score] in the order of their ids.
                for (int id = 0; id < vocabulary.size(); id++) {
                    pieces.put(id, vocabulary.path(id).path(0).asString(""));
                }
            }
            Set<Integer> special = new HashSet<>();
            for (JsonNode token : root.path("added_tokens")) {
                int id = token.path("id").asInt();
                pieces.put(id, token.path("content").asString(""));
                if (token.path("special").asBoolean(false)) {
                    special.add(id);
                }
            }
            if (pieces.isEmpty()) {
                throw new IllegalArgumentException("tokenizer.json has no vocabulary");
            }
            boolean byteLevel =
                    "ByteLevel".equals(root.path("decoder").path("type").asString(""));
            return new TokenizerFile(pieces, special, byteLevel);
        } catch (JacksonException e) {
            throw new IllegalArgumentException("tokenizer.json cannot be read: " + e.getMessage(), e);
        }
    }

    /** Whether every piece is written in {@link ByteLevelAlphabet}. */
    boolean byteLevel() {
        return byteLevel;
    }

    /** The piece as the vocabulary writes it; empty for an id that is not in it. */
    String piece(int token) {
        return pieces.getOrDefault(token, "");
    }

    /** Whether a text leaves the token out: special tokens, and ids that the vocabulary lacks. */
    boolean skipped(int token) {
        return special.contains(token) || !pieces.containsKey(token);
    }
}
