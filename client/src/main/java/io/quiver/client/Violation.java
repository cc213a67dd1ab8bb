package io.quiver.client;

import org.jspecify.annotations.Nullable;

/**
 * One thing that a service found wrong.
 *
 * @param code stable and lower case, such as {@code missing_lora_b}
 * @param where the module, tensor or field; null if it is about the whole
 */
public record Violation(
        String code, String message, @Nullable String where) {}
