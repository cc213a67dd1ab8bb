package io.quiver.router;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How one token was routed: the decisions of the step that predicted it, or, for a token of the prompt, of the step that
 * read it.
 *
 * @param token its id
 * @param text for people
 * @param expert index of the expert with the largest share; null without experts
 * @param shares mean coefficient over the modules, in the order of the experts // (experts)
 * @param modules each module's decision; empty unless asked for
 */
public record TokenTrace(
        int token, String text, @Nullable Integer expert, List<Double> shares, List<ModuleDecision> modules) {
    public TokenTrace {
        shares = List.copyOf(shares);
        modules = List.copyOf(modules);
    }

    /**
     * One module's decision for one token.
     *
     * @param module path
     * @param scores |x·p|, -1 where the expert lacks the module // (experts)
     * @param coefficients 0 where not chosen // (experts)
     */
    public record ModuleDecision(String module, float[] scores, float[] coefficients) {}
}
