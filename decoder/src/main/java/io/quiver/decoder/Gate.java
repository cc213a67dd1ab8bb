package io.quiver.decoder;

/** What scores the experts of one module for one token. The formulas stand in {@code io.quiver.lora.gate.GateScores}. */
public sealed interface Gate {
    /** |x·pₑ|: how far the input lies along the direction that the expert stretches most. */
    record Arrow() implements Gate {}

    /** ‖ΔWₑ x‖: how much the expert would change the output. */
    record Spectr() implements Gate {}

    /**
     * SpectR among the experts that Arrow scores highest.
     *
     * @param candidates how many Arrow keeps, at least 1; clamped to the number of experts that have the module
     */
    record Lag(int candidates) implements Gate {
        public Lag {
            if (candidates < 1) {
                throw new IllegalArgumentException("candidates must be at least 1, but are " + candidates);
            }
        }
    }

    /** LN(x)·LN(vₑ)/√in with a vector trained for each module of the expert; where it has none, it cannot be chosen. */
    record Phatgoose() implements Gate {}
}
