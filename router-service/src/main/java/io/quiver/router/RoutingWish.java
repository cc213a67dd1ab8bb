package io.quiver.router;

import io.quiver.decoder.Combine;
import org.jspecify.annotations.Nullable;

/** What a request says about routing. Null means that it says nothing, so that the default holds. */
public record RoutingWish(
        @Nullable Selection selection,
        @Nullable Strategy strategy,
        @Nullable Integer topK,
        @Nullable Double temperature,
        @Nullable Combine combine,
        TraceDetail trace,
        StrategyParameters parameters) {
    /** A request without a word about routing. */
    public static final RoutingWish NONE = new RoutingWish(null, null, null, null, null, TraceDetail.NONE);

    /** A wish without further parameters. */
    public RoutingWish(
            @Nullable Selection selection,
            @Nullable Strategy strategy,
            @Nullable Integer topK,
            @Nullable Double temperature,
            @Nullable Combine combine,
            TraceDetail trace) {
        this(selection, strategy, topK, temperature, combine, trace, StrategyParameters.NONE);
    }

    /** The same with another selection. */
    RoutingWish with(Selection other) {
        return new RoutingWish(other, strategy, topK, temperature, combine, trace, parameters);
    }
}
