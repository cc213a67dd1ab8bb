package io.quiver.schemas;

import java.util.Set;
import java.util.regex.Pattern;

/** Which files of a Hugging Face folder make a base model, by name; the rest (read-me files, other formats) is no part of it. */
public final class BaseModelFiles {
    public static final String CONFIG = "config.json";
    public static final String TOKENIZER = "tokenizer.json";
    /** Which shard holds which tensor. */
    public static final String SHARD_INDEX = "model.safetensors.index.json";

    private static final Pattern WEIGHTS = Pattern.compile("model[A-Za-z0-9._-]{0,100}\\.safetensors");
    private static final Set<String> OTHERS = Set.of(
            CONFIG,
            TOKENIZER,
            SHARD_INDEX,
            "added_tokens.json",
            "chat_template.jinja",
            "chat_template.json",
            "generation_config.json",
            "merges.txt",
            "special_tokens_map.json",
            "tokenizer.model",
            "tokenizer_config.json",
            "vocab.json",
            "vocab.txt");

    private BaseModelFiles() {}

    /** Says whether it is {@code model.safetensors} or a shard of it. */
    public static boolean isWeights(String name) {
        return WEIGHTS.matcher(name).matches();
    }

    /** Says whether it is part of a base model: weights, configuration or tokenizer. */
    public static boolean isPart(String name) {
        return isWeights(name) || OTHERS.contains(name);
    }
}
