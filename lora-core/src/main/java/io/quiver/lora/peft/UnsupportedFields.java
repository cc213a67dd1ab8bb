package io.quiver.lora.peft;

import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;

/** The fields of an adapter_config.json that change what an adapter does in a way that is not served here. */
final class UnsupportedFields {
    private record Field(String name, Predicate<JsonNode> isUsed, ViolationCode code, String message) {}

    /** Ways to initialise that leave the base weights alone; {@code true}, {@code false} and null do so too. */
    private static final Set<String> HARMLESS_INITS = Set.of("gaussian", "eva", "orthogonal", "true", "false");

    private static final List<Field> FIELDS = List.of(
            new Field("use_dora", UnsupportedFields::isSet, ViolationCode.DORA_UNSUPPORTED, "DoRA is not supported"),
            new Field(
                    "modules_to_save",
                    UnsupportedFields::isSet,
                    ViolationCode.MODULES_TO_SAVE_UNSUPPORTED,
                    "fully trained modules are not supported: train without modules_to_save"),
            new Field(
                    "bias",
                    node -> !node.isNull() && !node.asString("?").equals("none"),
                    ViolationCode.BIAS_UNSUPPORTED,
                    "trained biases are not supported: train with bias=\"none\""),
            new Field(
                    "lora_bias",
                    UnsupportedFields::isSet,
                    ViolationCode.LORA_BIAS_UNSUPPORTED,
                    "a bias of lora_B is not supported"),
            new Field(
                    "trainable_token_indices",
                    UnsupportedFields::isSet,
                    ViolationCode.TRAINABLE_TOKENS_UNSUPPORTED,
                    "trained token embeddings are not supported"),
            new Field(
                    "target_parameters",
                    UnsupportedFields::isSet,
                    ViolationCode.TARGET_PARAMETERS_UNSUPPORTED,
                    "LoRA on parameters instead of modules is not supported"),
            new Field(
                    "layer_replication",
                    UnsupportedFields::isSet,
                    ViolationCode.LAYER_REPLICATION_UNSUPPORTED,
                    "replicated layers are not supported"),
            new Field(
                    "alora_invocation_tokens",
                    UnsupportedFields::isSet,
                    ViolationCode.ACTIVATED_LORA_UNSUPPORTED,
                    "activated LoRA is not supported"),
            new Field(
                    "use_qalora",
                    UnsupportedFields::isSet,
                    ViolationCode.QALORA_UNSUPPORTED,
                    "QA-LoRA is not supported"),
            new Field(
                    "use_bdlora",
                    UnsupportedFields::isSet,
                    ViolationCode.BDLORA_UNSUPPORTED,
                    "BD-LoRA is not supported"),
            new Field(
                    "monteclora_config",
                    UnsupportedFields::isSet,
                    ViolationCode.MONTECLORA_UNSUPPORTED,
                    "MonteCLoRA is not supported"),
            new Field(
                    "megatron_config",
                    UnsupportedFields::isSet,
                    ViolationCode.MEGATRON_UNSUPPORTED,
                    "Megatron's parallel layers are not supported"),
            new Field(
                    "arrow_config",
                    UnsupportedFields::isSet,
                    ViolationCode.ARROW_ROUTER_UNSUPPORTED,
                    "this is PEFT's Arrow router, not an expert: upload the experts themselves"),
            new Field(
                    "fan_in_fan_out",
                    UnsupportedFields::isSet,
                    ViolationCode.FAN_IN_FAN_OUT_UNSUPPORTED,
                    "transposed linear layers (Conv1D) are not supported"),
            new Field(
                    "init_lora_weights",
                    node -> node.isString() && !HARMLESS_INITS.contains(node.asString()),
                    ViolationCode.ALTERED_BASE_UNSUPPORTED,
                    "this initialisation may have changed the base weights, so that the adapter would be wrong on the"
                            + " original base: save it with path_initial_model_for_weight_conversion"));

    private UnsupportedFields() {}

    static void collect(JsonNode root, List<Violation> violations) {
        JsonNode peftType = root.get("peft_type");
        if (peftType == null || !peftType.isString()) {
            violations.add(Violation.of(
                    ViolationCode.NOT_LORA, "peft_type must be \"LORA\": this is not a PEFT adapter", "peft_type"));
        } else if (!peftType.asString().equals("LORA")) {
            violations.add(Violation.of(
                    ViolationCode.UNSUPPORTED_PEFT_TYPE,
                    "peft_type must be \"LORA\": other methods are not supported",
                    "peft_type"));
        }
        for (Field field : FIELDS) {
            JsonNode node = root.get(field.name());
            if (node != null && field.isUsed().test(node)) {
                violations.add(Violation.of(field.code(), field.message(), field.name()));
            }
        }
    }

    /** Whether a field says more than that it is not used: null, false, 0, "", [] and {} say that. */
    private static boolean isSet(JsonNode node) {
        if (node.isContainer()) {
            return !node.isEmpty();
        }
        if (node.isString()) {
            return !node.asString().isEmpty();
        }
        return !node.isNull()
                && !(node.isBoolean() && !node.asBoolean())
                && !(node.isNumber() && node.asDouble(1) == 0);
    }
}
