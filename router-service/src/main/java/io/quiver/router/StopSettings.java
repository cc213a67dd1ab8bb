package io.quiver.router;

import java.util.List;
import java.util.Set;

/**
 * What ends a text before its length does.
 *
 * @param strings end it, and are not part of it
 * @param tokens end it beside the model's own end tokens, and are not part of it
 * @param ignoreEndTokens whether the model's own end tokens are tokens like others
 * @param tokensMin before that many tokens neither a token nor a string ends it: those tokens cannot be drawn, and text that
 *     comes with them is not searched
 */
public record StopSettings(List<String> strings, Set<Integer> tokens, boolean ignoreEndTokens, int tokensMin) {
    /** Only the model itself ends a text. */
    public static final StopSettings NONE = new StopSettings(List.of(), Set.of(), false, 0);

    public StopSettings {
        strings = List.copyOf(strings);
        tokens = Set.copyOf(tokens);
        if (tokensMin < 0) {
            throw new IllegalArgumentException("min_tokens must be 0 or above, but is " + tokensMin);
        }
    }
}
