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
        TraceDetail trace) {
    /** A request without a word about routing. */
    public static final RoutingWish NONE = new RoutingWish(null, null, null, null, null, TraceDetail.NONE);
}
