package io.quiver.router;

import io.quiver.lora.gate.InputNorm;
import io.quiver.lora.merge.GeneralKnowledge;
import io.quiver.lora.merge.Merge;
import io.quiver.schemas.Digest;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a request says to its strategy beside what Arrow takes. Null means that it says nothing, so that the default holds.
 *
 * @param weights one per expert, in the order of the request
 * @param candidates experts that Arrow keeps for LAG
 * @param inputNorm what a gate reads of an input
 * @param minScore below which a gate does not choose an expert; with evidence, how far the best one must stand out
 * @param density part of the entries that a merge keeps
 * @param election how a merge elects signs
 * @param seed of what a merge drops
 * @param generalExperts references of the adapters whose knowledge is subtracted
 * @param generalKnowledge what of them is subtracted
 * @param strict whether a text that no expert fits is refused, not answered by the base
 * @param calibration digest of the base calibration that evidence must be against
 */
public record StrategyParameters(
        @Nullable List<Double> weights,
        @Nullable Integer candidates,
        @Nullable InputNorm inputNorm,
        @Nullable Double minScore,
        @Nullable Double density,
        Merge.@Nullable Election election,
        @Nullable Long seed,
        @Nullable List<String> generalExperts,
        @Nullable GeneralKnowledge generalKnowledge,
        @Nullable Boolean strict,
        @Nullable Digest calibration) {
    /** Nothing is said. */
    public static final StrategyParameters NONE =
            new StrategyParameters(null, null, null, null, null, null, null, null, null, null, null);

    /** Only which base calibration evidence must be against is said. */
    static StrategyParameters ofCalibration(Digest calibration) {
        return new StrategyParameters(null, null, null, null, null, null, null, null, null, null, calibration);
    }

    public StrategyParameters {
        weights = weights == null ? null : List.copyOf(weights);
        generalExperts = generalExperts == null ? null : List.copyOf(generalExperts);
    }
}
