package io.quiver.lora.peft;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What the name of an adapter's tensor says, with the prefixes that wrappers leave in names taken off.
 *
 * @param path of the module in the base model
 * @param part what of the module the tensor is
 */
record TensorKey(String path, Part part) {
    enum Part {
        A,
        B,
        B_BIAS,
        /** What a gate was trained to look for in the module's input (PHATGOOSE). */
        GATE,
        EMBEDDING,
        MAGNITUDE,
        TOKENS,
        BIAS,
        WHOLE_WEIGHT,
        UNKNOWN
    }

    private record Suffix(Part part, Pattern pattern) {}

    private static final String PEFT_PREFIX = "base_model.model.";

    /** Left in names by torch.compile, FSDP and DistributedDataParallel. */
    private static final Set<String> WRAPPERS = Set.of("_orig_mod", "_fsdp_wrapped_module", "module");

    private static final List<Suffix> SUFFIXES = List.of(
            new Suffix(Part.A, Pattern.compile("(.+)\\.lora_A(?:\\.default)?\\.weight")),
            new Suffix(Part.B, Pattern.compile("(.+)\\.lora_B(?:\\.default)?\\.weight")),
            new Suffix(Part.B_BIAS, Pattern.compile("(.+)\\.lora_B(?:\\.default)?\\.bias")),
            new Suffix(Part.GATE, Pattern.compile("(.+)\\.gate_vector(?:\\.default)?(?:\\.weight)?")),
            new Suffix(Part.EMBEDDING, Pattern.compile("(.+)\\.lora_embedding_[AB](?:\\.default)?")),
            new Suffix(Part.MAGNITUDE, Pattern.compile("(.+)\\.lora_magnitude_vector(?:\\.default)?(?:\\.weight)?")),
            new Suffix(Part.TOKENS, Pattern.compile("(.+)\\.token_adapter\\.trainable_tokens_delta(?:\\.default)?")),
            new Suffix(Part.UNKNOWN, Pattern.compile("(.*lora_.*)")),
            new Suffix(Part.BIAS, Pattern.compile("(.+?)(?:\\.base_layer)?\\.bias")),
            new Suffix(Part.WHOLE_WEIGHT, Pattern.compile("(.+?)(?:\\.base_layer)?\\.weight")));

    static TensorKey of(String tensorName) {
        String name = unwrapped(tensorName);
        for (Suffix suffix : SUFFIXES) {
            Matcher matcher = suffix.pattern().matcher(name);
            if (matcher.matches()) {
                return new TensorKey(matcher.group(1), suffix.part());
            }
        }
        return new TensorKey(name, Part.UNKNOWN);
    }

    private static String unwrapped(String tensorName) {
        String name = Arrays.stream(tensorName.split("\\.", -1))
                .filter(segment -> !WRAPPERS.contains(segment))
                .collect(Collectors.joining("."));
        while (name.startsWith(PEFT_PREFIX)) {
            name = name.substring(PEFT_PREFIX.length());
        }
        return name;
    }
}
