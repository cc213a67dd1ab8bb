package io.quiver.router;

import java.util.List;

/**
 * A completion that was admitted.
 *
 * @param plan how it is routed
 * @param leftOut experts that were selected but could not be loaded
 * @param seed from which the choices are drawn, given or chosen
 * @param texts one per choice
 */
public record RunningCompletion(RoutingPlan plan, List<LeftOut> leftOut, long seed, List<TextTask> texts) {
    public RunningCompletion {
        leftOut = List.copyOf(leftOut);
        texts = List.copyOf(texts);
    }

    /** Says that nobody waits any more. */
    public void cancel() {
        texts.forEach(TextTask::cancel);
    }
}
