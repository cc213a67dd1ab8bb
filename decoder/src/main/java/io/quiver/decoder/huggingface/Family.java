package io.quiver.decoder.huggingface;

import io.quiver.decoder.ModelNames;
import io.quiver.decoder.UnsupportedModelException;
import java.util.List;
import java.util.Set;

/**
 * A family of models: what its {@code model_type} says and its config.json does not. Source: the configuration and model classes of
 * transformers 5.
 *
 * @param modelType {@code model_type}
 * @param names of tensors and modules
 * @param traits fixed by the family
 * @param windows which layers have a sliding window
 * @param headDim what a missing {@code head_dim} means; 0 for hidden size / heads
 * @param eps what a missing ε of the norms means
 * @param partialRotary what a missing {@code partial_rotary_factor} means
 * @param activation what a missing activation means, in the words of transformers
 */
record Family(
        String modelType,
        ModelNames names,
        Set<Trait> traits,
        Windows windows,
        int headDim,
        double eps,
        double partialRotary,
        String activation) {
    /** What a family has without saying so, or may have by a field. */
    enum Trait {
        /** Norms are LayerNorm, ε is {@code layer_norm_eps}. */
        LAYER_NORM,
        /** Norms multiply by 1 + w, the embedding by √hidden, and a head is tied unless config.json says otherwise. */
        GEMMA,
        /** Attention and the MLP read the same norm. */
        PARALLEL_BLOCK,
        /** Each head of queries and keys is normed. */
        HEAD_NORMS,
        /** q, k and v have a bias. */
        INPUT_BIAS,
        /** Every linear layer and the head have a bias. */
        ALL_BIASES,
        /** {@code attention_bias} says whether q, k, v and o have one. */
        ATTENTION_BIAS_FIELD,
        /** {@code mlp_bias} says whether gate, up and down have one. */
        MLP_BIAS_FIELD,
        /** The MLP has no gate. */
        UNGATED,
        /** {@code partial_rotary_factor} counts. */
        PARTIAL_ROTARY,
        /** Scores and logits are capped unless config.json says null. */
        SOFT_CAPS,
        /** Sliding layers have a rotary embedding of their own. */
        LOCAL_ROPE,
        /** A missing {@code num_key_value_heads} means one for each query head; elsewhere it means a number of transformers' own. */
        OWN_KEYS
    }

    /** Which layers have a sliding window. */
    enum Windows {
        /** None. */
        NONE,
        /** All, if {@code sliding_window} is a number, which it is if it is missing. */
        ALL_BY_DEFAULT,
        /** All, if {@code sliding_window} is a number. */
        ALL_IF_GIVEN,
        /** Those from {@code max_window_layers} on, if {@code use_sliding_window}. */
        LATER_IF_USED,
        /** All but every second one. */
        TWO_IN_TURN,
        /** All but every {@code sliding_window_pattern}th, 6 if that is missing. */
        PATTERN
    }

    private static final List<String> SPLIT_INPUT = List.of("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj");
    private static final List<String> SPLIT_MLP = List.of("mlp.gate_proj", "mlp.up_proj");
    private static final ModelNames LLAMA_NAMES = names(SPLIT_INPUT, SPLIT_MLP, "", "");
    private static final ModelNames HEAD_NORM_NAMES =
            names(SPLIT_INPUT, SPLIT_MLP, "self_attn.q_norm", "self_attn.k_norm");
    private static final ModelNames PHI3_NAMES =
            names(List.of("self_attn.qkv_proj"), List.of("mlp.gate_up_proj"), "", "");
    private static final ModelNames PHI_NAMES = new ModelNames(
            "model.embed_tokens",
            "model.final_layernorm",
            "lm_head",
            "model.layers",
            "input_layernorm",
            "",
            "",
            "",
            "",
            "",
            SPLIT_INPUT,
            "self_attn.dense",
            List.of("mlp.fc1"),
            "mlp.fc2");

    private static final Set<Trait> GEMMA2_TRAITS = Set.of(Trait.GEMMA, Trait.ATTENTION_BIAS_FIELD, Trait.SOFT_CAPS);
    private static final Set<Trait> GEMMA3_TRAITS =
            Set.of(Trait.GEMMA, Trait.ATTENTION_BIAS_FIELD, Trait.HEAD_NORMS, Trait.LOCAL_ROPE);
    private static final Set<Trait> PHI_TRAITS = Set.of(
            Trait.LAYER_NORM,
            Trait.PARALLEL_BLOCK,
            Trait.ALL_BIASES,
            Trait.UNGATED,
            Trait.PARTIAL_ROTARY,
            Trait.OWN_KEYS);
    private static final Set<Trait> LLAMA_TRAITS =
            Set.of(Trait.ATTENTION_BIAS_FIELD, Trait.MLP_BIAS_FIELD, Trait.OWN_KEYS);
    private static final Set<Trait> PHI3_TRAITS = Set.of(Trait.PARTIAL_ROTARY, Trait.OWN_KEYS);
    private static final Set<Trait> QWEN3_TRAITS = Set.of(Trait.ATTENTION_BIAS_FIELD, Trait.HEAD_NORMS);

    private static final List<Family> ALL = List.of(
            new Family("llama", LLAMA_NAMES, LLAMA_TRAITS, Windows.NONE, 0, 1e-6, 1, "silu"),
            new Family("mistral", LLAMA_NAMES, Set.of(), Windows.ALL_BY_DEFAULT, 0, 1e-6, 1, "silu"),
            new Family("qwen2", LLAMA_NAMES, Set.of(Trait.INPUT_BIAS), Windows.LATER_IF_USED, 0, 1e-6, 1, "silu"),
            new Family("qwen3", HEAD_NORM_NAMES, QWEN3_TRAITS, Windows.LATER_IF_USED, 128, 1e-6, 1, "silu"),
            new Family("phi", PHI_NAMES, PHI_TRAITS, Windows.NONE, 0, 1e-5, 0.5, "gelu_new"),
            new Family("phi3", PHI3_NAMES, PHI3_TRAITS, Windows.ALL_IF_GIVEN, 0, 1e-5, 1, "silu"),
            new Family("gemma2", gemma("", ""), GEMMA2_TRAITS, Windows.TWO_IN_TURN, 256, 1e-6, 1, "gelu_pytorch_tanh"),
            new Family(
                    "gemma3_text",
                    gemma("self_attn.q_norm", "self_attn.k_norm"),
                    GEMMA3_TRAITS,
                    Windows.PATTERN,
                    256,
                    1e-6,
                    1,
                    "gelu_pytorch_tanh"));

    private static ModelNames names(List<String> input, List<String> mlp, String queryNorm, String keyNorm) {
        return new ModelNames(
                "model.embed_tokens",
                "model.norm",
                "lm_head",
                "model.layers",
                "input_layernorm",
                "post_attention_layernorm",
                "",
                "",
                queryNorm,
                keyNorm,
                input,
                "self_attn.o_proj",
                mlp,
                "mlp.down_proj");
    }

    private static ModelNames gemma(String queryNorm, String keyNorm) {
        return new ModelNames(
                "model.embed_tokens",
                "model.norm",
                "lm_head",
                "model.layers",
                "input_layernorm",
                "pre_feedforward_layernorm",
                "post_attention_layernorm",
                "post_feedforward_layernorm",
                queryNorm,
                keyNorm,
                SPLIT_INPUT,
                "self_attn.o_proj",
                SPLIT_MLP,
                "mlp.down_proj");
    }

    /** @throws UnsupportedModelException naming {@code model_type} if there is no such family */
    static Family of(ConfigFields fields) {
        String type = fields.text("model_type", "");
        for (Family family : ALL) {
            if (family.modelType.equals(type)) {
                return family;
            }
        }
        throw new UnsupportedModelException(
                "model_type",
                "is '" + type + "', supported: "
                        + ALL.stream().map(Family::modelType).toList());
    }

    boolean has(Trait trait) {
        return traits.contains(trait);
    }
}
