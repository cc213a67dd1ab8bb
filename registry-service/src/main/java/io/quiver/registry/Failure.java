package io.quiver.registry;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Why a version did not become ready.
 *
 * @param code stable and lower case, such as {@code zero_update}
 * @param module the module path concerned, if it is one
 */
public record Failure(String code, String message, @Nullable String module, Instant failedAt) {}
