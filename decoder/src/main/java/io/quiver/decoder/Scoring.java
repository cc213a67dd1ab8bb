package io.quiver.decoder;

import io.quiver.lora.gate.InputNorm;
import java.util.OptionalDouble;

/**
 * How a gate scores.
 *
 * @param inputNorm what the gate reads of an input; the experts read it as it is. {@link Gate.Phatgoose} brings its own layer norm
 * @param minScore an expert that scores less is not chosen; where none is left, the base layer answers alone
 */
public record Scoring(Gate gate, InputNorm inputNorm, OptionalDouble minScore) {
    /** What plain Arrow does, which {@link Routing.Arrow} does faster. */
    public static final Scoring ARROW = new Scoring(new Gate.Arrow(), InputNorm.ID, OptionalDouble.empty());

    public Scoring {
        if (minScore.isPresent() && !Double.isFinite(minScore.getAsDouble())) {
            throw new IllegalArgumentException("the minimum score must be finite, but is " + minScore.getAsDouble());
        }
        if (gate instanceof Gate.Phatgoose && inputNorm != InputNorm.LAYER_NORM) {
            throw new IllegalArgumentException("PHATGOOSE normalises inputs by layer norm, not by " + inputNorm);
        }
    }
}
