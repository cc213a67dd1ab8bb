package io.quiver.decoder;

import java.util.List;

/** How one sequence is routed. Fixed when the sequence is opened. */
public sealed interface Routing {
    /** The base model alone. */
    record Base() implements Routing {}

    /**
     * Constant coefficients: every adapted module adds Σ wₑ ΔWₑ x, the same for every token.
     *
     * @param experts resident experts
     * @param weights one coefficient per expert // (experts)
     */
    record Fixed(List<Expert> experts, List<Double> weights) implements Routing {
        public Fixed {
            experts = List.copyOf(experts);
            weights = List.copyOf(weights);
            if (experts.size() != weights.size()) {
                throw new IllegalArgumentException(experts.size() + " experts but " + weights.size() + " weights");
            }
        }
    }

    /**
     * Arrow: per token and adapted module, w = softmax over the topK largest of |x·pₑ| / temperature among the experts
     * that have the module; y as {@link Combine} says. Source: Ostapenko et al. 2024, in the form of PEFT and of mttl.
     *
     * @param topK at least 1; clamped to the number of experts that have the module
     * @param tracing what {@link Decoder.StepOutput} says of the decisions
     */
    record Arrow(List<Expert> experts, int topK, double temperature, Combine combine, Tracing tracing)
            implements Routing {
        public Arrow {
            experts = List.copyOf(experts);
            requireChoice(experts, topK, temperature);
        }

        /** Arrow that traces every module, or nothing. */
        public Arrow(List<Expert> experts, int topK, double temperature, Combine combine, boolean traced) {
            this(experts, topK, temperature, combine, traced ? Tracing.MODULES : Tracing.NONE);
        }
    }

    /**
     * Any gate that decides per token and adapted module: w = softmax over the topK largest scores / temperature among those
     * experts that can be chosen; y as {@link Combine} says. Plain Arrow is {@link Arrow}, which is faster.
     *
     * @param topK at least 1; clamped to the number of experts that have the module
     * @param tracing what {@link Decoder.StepOutput} says of the decisions
     */
    record Gated(List<Expert> experts, Scoring scoring, int topK, double temperature, Combine combine, Tracing tracing)
            implements Routing {
        public Gated {
            experts = List.copyOf(experts);
            requireChoice(experts, topK, temperature);
        }
    }

    private static void requireChoice(List<Expert> experts, int topK, double temperature) {
        if (experts.isEmpty()) {
            throw new IllegalArgumentException("a library needs at least one expert");
        }
        if (topK < 1) {
            throw new IllegalArgumentException("top_k must be at least 1, but is " + topK);
        }
        if (!(temperature > 0) || Double.isInfinite(temperature)) {
            throw new IllegalArgumentException("temperature must be above 0 and finite, but is " + temperature);
        }
    }
}
