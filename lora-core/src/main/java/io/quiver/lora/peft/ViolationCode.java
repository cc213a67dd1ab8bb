package io.quiver.lora.peft;

import java.util.Locale;

/** Every reason for which an adapter is refused, besides a broken file and a look-alike format; stable, part of public answers. */
public enum ViolationCode {
    /** adapter_config.json is longer than the limit. */
    CONFIG_TOO_LARGE,
    /** adapter_config.json is not a JSON object, or has a key twice. */
    CONFIG_MALFORMED,
    /** A field of adapter_config.json has a type or value that PEFT would not take. */
    CONFIG_FIELD_INVALID,
    /** adapter_config.json does not say peft_type. */
    NOT_LORA,
    /** peft_type is another method. */
    UNSUPPORTED_PEFT_TYPE,
    DORA_UNSUPPORTED,
    MODULES_TO_SAVE_UNSUPPORTED,
    BIAS_UNSUPPORTED,
    LORA_BIAS_UNSUPPORTED,
    TRAINABLE_TOKENS_UNSUPPORTED,
    TARGET_PARAMETERS_UNSUPPORTED,
    LAYER_REPLICATION_UNSUPPORTED,
    /** Activated LoRA: applies only after certain tokens. */
    ACTIVATED_LORA_UNSUPPORTED,
    QALORA_UNSUPPORTED,
    BDLORA_UNSUPPORTED,
    MONTECLORA_UNSUPPORTED,
    MEGATRON_UNSUPPORTED,
    /** PEFT's own Arrow router, which is not an expert. */
    ARROW_ROUTER_UNSUPPORTED,
    FAN_IN_FAN_OUT_UNSUPPORTED,
    /** Trained against changed base weights (PiSSA, OLoRA, CorDA, LoftQ, LoRA-GA) and saved without conversion. */
    ALTERED_BASE_UNSUPPORTED,
    /** LoRA on an embedding. */
    EMBEDDING_UNSUPPORTED,
    /** LoRA on the output head. */
    HEAD_UNSUPPORTED,
    RANK_INVALID,
    RANK_TOO_LARGE,
    ALPHA_INVALID,
    TARGET_MODULES_INVALID,
    /** layers_to_transform or layers_pattern that PEFT would not take. */
    LAYERS_INVALID,
    /** A pattern that cannot be compiled, is too long, or takes too many steps. */
    PATTERN_INVALID,
    MISSING_LORA_A,
    MISSING_LORA_B,
    UNKNOWN_TENSOR,
    /** Two tensors are the same one once wrappers' prefixes are taken off. */
    DUPLICATE_TENSOR,
    DTYPE_UNSUPPORTED,
    NOT_FINITE,
    /** The base model has no such linear module. */
    UNKNOWN_MODULE,
    /** The file has tensors for a module that the config does not target. */
    MODULE_NOT_TARGETED,
    /** The config targets a module for which the file has no tensors. */
    MODULE_WITHOUT_TENSORS,
    /** The config targets nothing in the base model, or the file has no LoRA tensors. */
    NOTHING_ADAPTED,
    /** The tensors' rank is not the one that the config gives. */
    RANK_MISMATCH,
    /** The tensors' inputs or outputs are not the base module's, or a tensor is not a matrix. */
    SHAPE_MISMATCH,
    /** There are more violations than are told. */
    MORE_VIOLATIONS;

    /** Such as {@code missing_lora_b}. */
    public String code() {
        return name().toLowerCase(Locale.ROOT);
    }
}
