package io.quiver.lora.safetensors;

import org.jspecify.annotations.Nullable;

/**
 * One thing that is wrong with a safetensors file.
 *
 * @param message for people: what was found and what was expected
 * @param where the tensor concerned, null if it is the file as a whole
 */
public record Defect(
        DefectCode code, String message, @Nullable String where) {}
