package io.quiver.lora.peft;

import io.quiver.lora.safetensors.SafetensorsHeader;
import io.quiver.lora.safetensors.TensorInfo;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/**
 * A method whose checkpoints look like PEFT's LoRA, often with {@code peft_type: LORA}, but mean something else. It is
 * recognised by the names of its tensors, or by fields that only it has. A lenient loader would drop part of the tensors.
 */
public enum LookalikeFormat {
    LORAMOE("LoRAMoE (Dou et al. 2024)"),
    HYDRALORA("HydraLoRA (Tian et al. 2024)"),
    MOLA("MoLA (Gao et al. 2024)"),
    ADAMOE("AdaMoE (Zeng et al. 2024)"),
    MELORA("MELoRA (Ren et al. 2024)"),
    MOSLORA("MoSLoRA (Wu et al. 2024)"),
    MIXLORA("MixLoRA (Li et al. 2024)"),
    ALORA("ALoRA (Liu et al. 2024)"),
    LOTR("LoTR (Bershatsky et al. 2024)"),
    MOLORA("MoLoRA (Zadouri et al. 2023)"),
    MOV("MoV (Zadouri et al. 2023)"),
    KASA("KaSA (Wang et al. 2024)"),
    KOHYA("the LoRA format of kohya's scripts");

    private static final Pattern NUMBERED_A = Pattern.compile("\\.lora_A\\d+\\.");
    private static final Pattern NUMBERED_B = Pattern.compile("\\.lora_B\\d+\\.");
    private static final Pattern UNDERSCORED = Pattern.compile("^(.+)\\.lora_[AB]_\\d+\\.");
    private static final Pattern UNDERSCORED_A = Pattern.compile("^(.+)\\.lora_A_\\d+\\.");
    private static final Pattern ROUTER = Pattern.compile("^(.+)\\.router\\.(?:router|gate2)\\.weight$");
    private static final Pattern DOTTED = Pattern.compile("\\.lora_[AB]\\.\\d+\\.weight$");
    private static final Pattern EXPERT_OF_BLOCK = Pattern.compile("\\.moe_gate\\.|\\.experts\\.\\d+\\.lora_[AB]\\.");
    private static final Pattern KOHYA_NAME = Pattern.compile("\\.lora_(?:down|up)\\.weight$");
    private static final Pattern LOTR_NAME = Pattern.compile("\\.lotr\\.(?:lhs|mid|rhs)$");

    private final String method;

    LookalikeFormat(String method) {
        this.method = method;
    }

    /** The method's name, for people. */
    public String method() {
        return method;
    }

    /** Such as {@code lookalike_hydralora}. */
    public String code() {
        return "lookalike_" + name().toLowerCase(Locale.ROOT);
    }

    Violation violation(String where) {
        return new Violation(
                code(),
                "this is " + method + ", not plain LoRA: its tensors mean something else and it is not supported",
                where);
    }

    /** The methods that fields of a configuration belong to. */
    static List<LookalikeFormat> ofConfig(JsonNode root) {
        List<LookalikeFormat> formats = new ArrayList<>();
        if (root.has("blc_alpha") || root.has("blc_weight")) {
            formats.add(LORAMOE);
        } else if (root.has("lora_nums")) {
            formats.add(HYDRALORA);
        }
        if (root.has("number_experts")) {
            formats.add(MOLA);
        }
        if (root.path("lora_use_mixer").asBoolean(false)) {
            formats.add(MOSLORA);
        }
        if (root.has("routing_strategy")) {
            formats.add(MIXLORA);
        }
        if (root.hasNonNull("kasa_config")) {
            formats.add(KASA);
        }
        return formats;
    }

    /** The methods that tensors belong to, each with the name of one such tensor. */
    static Map<LookalikeFormat, String> ofTensors(SafetensorsHeader header) {
        Map<LookalikeFormat, String> found = new EnumMap<>(LookalikeFormat.class);
        boolean manyA = header.tensors().stream()
                .anyMatch(tensor -> NUMBERED_A.matcher(tensor.name()).find());
        boolean nullExperts = hasNullExperts(header);
        for (TensorInfo tensor : header.tensors()) {
            String name = tensor.name();
            if (name.startsWith("loramoe.")) {
                found.putIfAbsent(LORAMOE, name);
            } else if (name.startsWith("mola.")) {
                found.putIfAbsent(MOLA, name);
            } else if (name.startsWith("mixlora.")
                    || EXPERT_OF_BLOCK.matcher(name).find()) {
                found.putIfAbsent(MIXLORA, name);
            } else if (name.contains(".lora_route.")
                    || NUMBERED_A.matcher(name).find()
                    || NUMBERED_B.matcher(name).find()) {
                found.putIfAbsent(manyA ? LORAMOE : HYDRALORA, name);
            } else if (UNDERSCORED.matcher(name).find() || ROUTER.matcher(name).matches()) {
                found.putIfAbsent(nullExperts ? ADAMOE : MOLA, name);
            } else if (DOTTED.matcher(name).find()) {
                found.putIfAbsent(MELORA, name);
            } else if (name.contains(".lora_AB.")) {
                found.putIfAbsent(MOSLORA, name);
            } else if (LOTR_NAME.matcher(name).find()) {
                found.putIfAbsent(LOTR, name);
            } else if (name.endsWith(".lora_gate")) {
                found.putIfAbsent(ALORA, name);
            } else if (name.contains(".mov_scaling")) {
                found.putIfAbsent(MOV, name);
            } else if (name.endsWith(".lora_A") && tensor.axes() == 3) {
                found.putIfAbsent(MOLORA, name);
            } else if (name.contains(".lora_diag")) {
                found.putIfAbsent(KASA, name);
            } else if (KOHYA_NAME.matcher(name).find()) {
                found.putIfAbsent(KOHYA, name);
            }
        }
        return found;
    }

    /** AdaMoE's gate has rows for experts without tensors; MoLA's has as many rows as experts. */
    private static boolean hasNullExperts(SafetensorsHeader header) {
        Map<String, Integer> experts = new HashMap<>();
        Map<String, Long> rows = new HashMap<>();
        for (TensorInfo tensor : header.tensors()) {
            Matcher expert = UNDERSCORED_A.matcher(tensor.name());
            Matcher router = ROUTER.matcher(tensor.name());
            if (expert.find()) {
                experts.merge(expert.group(1), 1, Integer::sum);
            } else if (router.matches() && tensor.axes() == 2) {
                rows.merge(router.group(1), tensor.shape().get(0), Long::sum);
            }
        }
        return rows.entrySet().stream()
                .anyMatch(entry -> entry.getValue() > experts.getOrDefault(entry.getKey(), Integer.MAX_VALUE));
    }
}
