package io.quiver.router;

import java.util.List;
import java.util.Locale;

/**
 * Why a library is routed by the strategy that it is, where the request named none.
 *
 * @param experts that are the reason: those without evidence; else empty
 */
public record StrategyDefault(Reason reason, List<PinnedExpert> experts) {
    /** In the order in which they are looked at. */
    public enum Reason {
        /** Arrow: the request has a parameter that means something to a gate only. */
        GATE_PARAMETERS,
        /** Arrow: the base model has no calibration. */
        BASE_NOT_CALIBRATED,
        /** Arrow: some experts have no evidence, or not against the same calibration as the others. */
        EXPERTS_NOT_CALIBRATED,
        /** Evidence: every expert can be compared with every other. */
        CALIBRATED;

        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public StrategyDefault {
        experts = List.copyOf(experts);
    }

    static StrategyDefault because(Reason reason) {
        return new StrategyDefault(reason, List.of());
    }
}
