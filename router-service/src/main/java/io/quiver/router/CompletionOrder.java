package io.quiver.router;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A completion as a caller asks for it.
 *
 * @param model a base model, an expert, or {@link ResolveRouting#EVERYTHING}
 * @param tokensMax null for as many as the context holds
 * @param seed null for any
 */
public record CompletionOrder(
        String model,
        RoutingWish routing,
        Prompt prompt,
        SamplingSettings sampling,
        @Nullable Integer tokensMax,
        List<String> stops,
        @Nullable Long seed) {
    public CompletionOrder {
        stops = List.copyOf(stops);
    }
}
