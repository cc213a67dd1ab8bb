package io.quiver.lora.peft;

import io.quiver.lora.safetensors.Defect;
import org.jspecify.annotations.Nullable;

/**
 * One thing that is wrong with an uploaded adapter or base model.
 *
 * @param code stable and lower case, such as {@code missing_lora_b}
 * @param message for people: what was found, what was expected, what to do
 * @param where the tensor, module, field or file concerned
 */
public record Violation(
        String code, String message, @Nullable String where) {
    public static Violation of(ViolationCode code, String message, @Nullable String where) {
        return new Violation(code.code(), message, where);
    }

    /** A broken file's defect, under its own code. */
    public static Violation of(Defect defect) {
        return new Violation(defect.code().code(), defect.message(), defect.where());
    }
}
