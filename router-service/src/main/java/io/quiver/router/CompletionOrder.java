package io.quiver.router;

import org.jspecify.annotations.Nullable;

/**
 * A completion as a caller asks for it.
 *
 * @param model a base model, an expert, or {@link ResolveRouting#EVERYTHING}
 * @param choices texts for each prompt
 * @param tokensMax null for as many as the context holds
 * @param seed null for any
 */
public record CompletionOrder(
        String model,
        RoutingWish routing,
        Prompt prompt,
        int choices,
        SamplingSettings sampling,
        LogitSettings logits,
        @Nullable Integer tokensMax,
        StopSettings stop,
        ReportSettings report,
        @Nullable Long seed) {
    public CompletionOrder {
        if (choices < 1) {
            throw new IllegalArgumentException("a prompt has at least one choice, not " + choices);
        }
    }
}
