package io.quiver.decoder.huggingface;

import io.quiver.decoder.ModelConfig;
import io.quiver.decoder.UnsupportedModelException;
import io.quiver.lora.model.InvalidBaseModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A model's config.json, in the form of released checkpoints ({@code rope_theta}, {@code rope_scaling}) or of transformers 5
 * ({@code rope_parameters}). Everything that would change the computation and is not implemented is refused by name.
 */
public final class ConfigFile {
    private static final int BYTES_MAX = 1 << 20;
    private static final int SIZE_MAX = 1 << 20;
    private static final int LAYERS_MAX = 1024;
    private static final int CONTEXT_TOKENS_MAX = 1 << 24;
    private static final JsonMapper JSON = new JsonMapper();

    private final JsonNode root;

    private ConfigFile(JsonNode root) {
        this.root = root;
    }

    /**
     * Reads config.json of a model folder, and generation_config.json for the tokens that end a text.
     *
     * @throws UnsupportedModelException naming the first field that is not supported
     * @throws InvalidBaseModelException if a file is no JSON object
     */
    public static ModelConfig read(Path folder) throws IOException {
        ConfigFile file = new ConfigFile(json(folder.resolve("config.json")));
        Path generation = folder.resolve("generation_config.json");
        JsonNode eos = file.root.path("eos_token_id");
        if (Files.exists(generation)) {
            JsonNode generationEos = json(generation).path("eos_token_id");
            eos = absent(generationEos) ? eos : generationEos;
        }
        return file.model(eosTokens(eos));
    }

    private static JsonNode json(Path path) throws IOException {
        if (Files.size(path) > BYTES_MAX) {
            throw new UnsupportedModelException(
                    path.getFileName().toString(), "more than " + BYTES_MAX + " bytes of configuration");
        }
        try {
            JsonNode node = JSON.readTree(Files.readAllBytes(path));
            if (!node.isObject()) {
                throw new InvalidBaseModelException(
                        InvalidBaseModelException.CONFIG_MALFORMED, path.getFileName() + ": not a JSON object");
            }
            return node;
        } catch (JacksonException e) {
            throw new InvalidBaseModelException(
                    InvalidBaseModelException.CONFIG_MALFORMED,
                    path.getFileName() + ": not JSON: " + e.getOriginalMessage());
        }
    }

    private static List<Integer> eosTokens(JsonNode eos) {
        List<Integer> tokens = new ArrayList<>();
        if (eos.isInt()) {
            tokens.add(eos.intValue());
        } else if (eos.isArray() && eos.size() <= 64) {
            for (JsonNode token : eos) {
                if (!token.isInt()) {
                    throw new UnsupportedModelException("eos_token_id", "holds " + token);
                }
                tokens.add(token.intValue());
            }
        } else if (!absent(eos)) {
            throw new UnsupportedModelException("eos_token_id", "is " + eos);
        }
        return tokens;
    }

    private ModelConfig model(List<Integer> eosTokens) {
        refuseUnlessText("model_type", Set.of("llama"));
        refuseIfTrue("attention_bias");
        refuseIfTrue("mlp_bias");
        refuseUnlessText("hidden_act", Set.of("silu", "swish"));
        refuseIfPresent("sliding_window");
        refuseIfPresent("quantization_config");
        refuseUnlessOne("partial_rotary_factor");
        int hidden = size("hidden_size", SIZE_MAX);
        int heads = size("num_attention_heads", SIZE_MAX);
        int kvHeads = absent(root.path("num_key_value_heads")) ? heads : size("num_key_value_heads", SIZE_MAX);
        if (heads % kvHeads != 0) {
            throw new UnsupportedModelException(
                    "num_key_value_heads", kvHeads + " do not divide " + heads + " attention heads");
        }
        if (absent(root.path("head_dim")) && hidden % heads != 0) {
            throw new UnsupportedModelException("num_attention_heads", heads + " do not divide hidden_size " + hidden);
        }
        int headDim = absent(root.path("head_dim")) ? hidden / heads : size("head_dim", SIZE_MAX);
        if (headDim % 2 != 0) {
            throw new UnsupportedModelException("head_dim", headDim + " is odd, rotary embedding needs pairs");
        }
        return new ModelConfig(
                "llama",
                hidden,
                size("intermediate_size", SIZE_MAX),
                size("num_hidden_layers", LAYERS_MAX),
                heads,
                kvHeads,
                headDim,
                size("vocab_size", 1 << 22),
                size("max_position_embeddings", CONTEXT_TOKENS_MAX),
                absent(root.path("rms_norm_eps")) ? 1e-6 : positive(root, "rms_norm_eps"),
                rope(headDim),
                root.path("tie_word_embeddings").asBoolean(false),
                eosTokens);
    }

    /** As transformers reads it: {@code rope_scaling} before {@code rope_parameters}, what they lack from the root. */
    private ModelConfig.Rope rope(int headDim) {
        JsonNode scaling =
                root.path("rope_scaling").isEmpty() ? root.path("rope_parameters") : root.path("rope_scaling");
        JsonNode theta = absent(scaling.path("rope_theta")) ? root : scaling;
        double base = absent(theta.path("rope_theta")) ? 10_000 : positive(theta, "rope_theta");
        double[] frequencies = new double[headDim / 2]; // (headDim / 2)
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = Math.pow(base, -2.0 * i / headDim);
        }
        if (absent(scaling)) {
            return new ModelConfig.Rope(frequencies);
        }
        if (!absent(scaling.path("partial_rotary_factor"))
                && scaling.path("partial_rotary_factor").asDouble() != 1) {
            throw new UnsupportedModelException("partial_rotary_factor", "only 1 is supported");
        }
        String type = scaling.path("rope_type").asString(scaling.path("type").asString("default"));
        switch (type) {
            case "default" -> {}
            case "linear" -> {
                double factor = positive(scaling, "factor");
                for (int i = 0; i < frequencies.length; i++) {
                    frequencies[i] /= factor;
                }
            }
            case "llama3" -> scaleAsLlama3(frequencies, scaling);
            default ->
                throw new UnsupportedModelException(
                        "rope_type", "'" + type + "' is not one of default, linear, llama3");
        }
        return new ModelConfig.Rope(frequencies);
    }

    /**
     * Slows down long waves by a factor, leaves short ones, and blends in between. Source: Llama 3.1's reference code,
     * {@code apply_scaling}.
     */
    private void scaleAsLlama3(double[] frequencies, JsonNode scaling) {
        double factor = positive(scaling, "factor");
        double low = positive(scaling, "low_freq_factor");
        double high = positive(scaling, "high_freq_factor");
        String original = "original_max_position_embeddings";
        double context = absent(scaling.path(original))
                ? size("max_position_embeddings", CONTEXT_TOKENS_MAX)
                : positive(scaling, original);
        if (high <= low) {
            throw new UnsupportedModelException("high_freq_factor", "must be above low_freq_factor");
        }
        for (int i = 0; i < frequencies.length; i++) {
            double turns = context * frequencies[i] / (2 * Math.PI);
            double keep = Math.min(1, Math.max(0, (turns - low) / (high - low)));
            frequencies[i] = (1 - keep) * frequencies[i] / factor + keep * frequencies[i];
        }
    }

    private static boolean absent(JsonNode node) {
        return node.isMissingNode() || node.isNull();
    }

    private int size(String field, int max) {
        JsonNode node = root.path(field);
        if (!node.isInt() || node.intValue() < 1 || node.intValue() > max) {
            throw new UnsupportedModelException(field, "must be a whole number from 1 to " + max + ", but is " + node);
        }
        return node.intValue();
    }

    private static double positive(JsonNode object, String field) {
        JsonNode node = object.path(field);
        if (!node.isNumber() || !(node.doubleValue() > 0) || Double.isInfinite(node.doubleValue())) {
            throw new UnsupportedModelException(field, "must be a number above 0, but is " + node);
        }
        return node.doubleValue();
    }

    private void refuseUnlessText(String field, Set<String> supported) {
        JsonNode node = root.path(field);
        if (!supported.contains(node.asString("")) || !node.isString()) {
            throw new UnsupportedModelException(field, "is " + node + ", supported: " + supported);
        }
    }

    private void refuseIfTrue(String field) {
        JsonNode node = root.path(field);
        if (!absent(node) && !(node.isBoolean() && !node.booleanValue())) {
            throw new UnsupportedModelException(field, "is " + node + ", only false is supported");
        }
    }

    private void refuseIfPresent(String field) {
        if (!absent(root.path(field))) {
            throw new UnsupportedModelException(field, "is not supported");
        }
    }

    private void refuseUnlessOne(String field) {
        JsonNode node = root.path(field);
        if (!absent(node) && !(node.isNumber() && node.doubleValue() == 1)) {
            throw new UnsupportedModelException(field, "is " + node + ", only 1 is supported");
        }
    }
}
