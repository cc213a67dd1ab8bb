package io.quiver.decoder.huggingface;

import io.quiver.decoder.ModelConfig;
import io.quiver.decoder.UnsupportedModelException;
import io.quiver.decoder.huggingface.Family.Trait;
import io.quiver.lora.model.InvalidBaseModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A model's config.json, in the form of released checkpoints or of transformers 5. What is missing means what it means to
 * transformers; everything that would change the computation and is not implemented is refused by name.
 */
public final class ConfigFile {
    private static final int BYTES_MAX = 1 << 20;
    private static final int VOCABULARY_MAX = 1 << 22;
    private static final int EOS_TOKENS_MAX = 64;
    private static final JsonMapper JSON = new JsonMapper();

    private ConfigFile() {}

    /**
     * Reads config.json of a model folder, and generation_config.json for the tokens that end a text.
     *
     * @throws UnsupportedModelException naming the first field that is not supported
     * @throws InvalidBaseModelException if a file is no JSON object
     */
    public static ModelConfig read(Path folder) throws IOException {
        ConfigFields fields = new ConfigFields(json(folder.resolve("config.json")));
        Path generation = folder.resolve("generation_config.json");
        JsonNode eos = fields.root().path("eos_token_id");
        if (Files.exists(generation)) {
            ConfigFields other = new ConfigFields(json(generation));
            eos = other.absent("eos_token_id") ? eos : other.root().path("eos_token_id");
        }
        return model(fields, eosTokens(eos));
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
        } else if (eos.isArray() && eos.size() <= EOS_TOKENS_MAX) {
            for (JsonNode token : eos) {
                if (!token.isInt()) {
                    throw new UnsupportedModelException("eos_token_id", "holds " + token);
                }
                tokens.add(token.intValue());
            }
        } else if (!eos.isMissingNode() && !eos.isNull()) {
            throw new UnsupportedModelException("eos_token_id", "is " + eos);
        }
        return tokens;
    }

    private static ModelConfig model(ConfigFields fields, List<Integer> eosTokens) {
        Family family = Family.of(fields);
        fields.refuseIfPresent("quantization_config");
        int hidden = fields.size("hidden_size", ConfigFields.SIZE_MAX);
        int heads = fields.size("num_attention_heads", ConfigFields.SIZE_MAX);
        int layers = fields.size("num_hidden_layers", ConfigFields.LAYERS_MAX);
        int headDim = headDim(fields, family, hidden, heads);
        return new ModelConfig(
                family.modelType(),
                hidden,
                fields.size("intermediate_size", ConfigFields.SIZE_MAX),
                layers,
                heads,
                kvHeads(fields, family, heads),
                headDim,
                fields.size("vocab_size", VOCABULARY_MAX),
                fields.size("max_position_embeddings", ConfigFields.CONTEXT_TOKENS_MAX),
                new ArchitectureFields(fields, family).read(hidden, headDim, layers),
                family.names(),
                fields.flag("tie_word_embeddings", family.has(Trait.GEMMA)),
                eosTokens);
    }

    private static int headDim(ConfigFields fields, Family family, int hidden, int heads) {
        if (!fields.absent("head_dim") || family.headDim() > 0) {
            return fields.size("head_dim", ConfigFields.SIZE_MAX, family.headDim());
        }
        if (hidden % heads != 0) {
            throw new UnsupportedModelException("num_attention_heads", heads + " do not divide hidden_size " + hidden);
        }
        return hidden / heads;
    }

    private static int kvHeads(ConfigFields fields, Family family, int heads) {
        String field = "num_key_value_heads";
        boolean own = fields.absent(field)
                && (family.has(Trait.OWN_KEYS) || fields.root().has(field));
        int kvHeads = own ? heads : fields.size(field, ConfigFields.SIZE_MAX);
        if (heads % kvHeads != 0) {
            throw new UnsupportedModelException(field, kvHeads + " do not divide " + heads + " attention heads");
        }
        return kvHeads;
    }
}
