package io.quiver.lora.evidence;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;

/** An input within a transformer layer that adapted linear modules read. In the order in which a layer computes them. */
public enum InputPlace {
    /** Read by q, k and v. */
    ATTENTION_IN("attention_in"),
    /** Read by o. */
    ATTENTION_OUT("attention_out"),
    /** Read by gate and up. */
    MLP_IN("mlp_in"),
    /** Read by down. */
    MLP_MID("mlp_mid");

    /** By the last two segments of a module's path, of all model families. */
    private static final Map<String, InputPlace> BY_MODULE = Map.ofEntries(
            Map.entry("self_attn.q_proj", ATTENTION_IN),
            Map.entry("self_attn.k_proj", ATTENTION_IN),
            Map.entry("self_attn.v_proj", ATTENTION_IN),
            Map.entry("self_attn.qkv_proj", ATTENTION_IN),
            Map.entry("self_attn.o_proj", ATTENTION_OUT),
            Map.entry("self_attn.dense", ATTENTION_OUT),
            Map.entry("mlp.gate_proj", MLP_IN),
            Map.entry("mlp.up_proj", MLP_IN),
            Map.entry("mlp.gate_up_proj", MLP_IN),
            Map.entry("mlp.fc1", MLP_IN),
            Map.entry("mlp.down_proj", MLP_MID),
            Map.entry("mlp.fc2", MLP_MID));

    private final String word;

    InputPlace(String word) {
        this.word = word;
    }

    /** As names in files and on the wire have it, such as {@code attention_in}. */
    public String word() {
        return word;
    }

    /** The place of that word; empty if there is none. */
    public static Optional<InputPlace> named(String word) {
        return Arrays.stream(values()).filter(place -> place.word.equals(word)).findFirst();
    }

    /** The place that a module of a layer reads, such as {@code self_attn.q_proj}; empty if it is none of these. */
    static Optional<InputPlace> readBy(String module) {
        return Optional.ofNullable(BY_MODULE.get(module));
    }
}
