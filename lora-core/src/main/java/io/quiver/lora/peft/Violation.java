package io.quiver.lora.peft;

import org.jspecify.annotations.Nullable;

/**
 * One thing that is wrong with an uploaded adapter or base model.
 *
 * @param code stable and lower case, such as {@code missing_lora_b}
 * @param message for people: what was found, what was expected, what to do
 * @param where the tensor, module, field or file concerned
 */
public record Violation(
        String code, String message, @Nullable String where) {}
