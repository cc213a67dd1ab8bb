package io.quiver.router;

import io.quiver.decoder.Combine;
import io.quiver.lora.gate.InputNorm;
import io.quiver.router.StrategyDefault.Reason;
import io.quiver.schemas.Digest;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * Finds how a library is routed: as the request says, else by evidence where every expert has some against the same calibration,
 * else by Arrow. For one request, used by one thread.
 */
final class ResolveStrategy {
    private static final int NAMES_MAX = 10;

    private final BaseModel base;
    private final List<PinnedExpert> experts;
    private final RoutingWish wish;

    /** @param experts at least one */
    ResolveStrategy(BaseModel base, List<PinnedExpert> experts, RoutingWish wish) {
        this.base = base;
        this.experts = experts;
        this.wish = wish;
    }

    /**
     * How a library is routed.
     *
     * @param because why, if the request did not say
     * @param common with evidence
     */
    record Resolved(Strategy strategy, Optional<StrategyDefault> because, Optional<SharedCalibration> common) {
        /** What an evidence plan says of it. */
        Optional<EvidencePlan> evidence(StrategyParameters said) {
            OptionalDouble minScore =
                    said.minScore() == null ? OptionalDouble.empty() : OptionalDouble.of(said.minScore());
            return common.map(found -> new EvidencePlan(
                    found.calibration(), found.references(), minScore, Boolean.TRUE.equals(said.strict())));
        }
    }

    /** @throws RequestRefusedException if evidence is asked for and some expert has none */
    Resolved resolve() {
        Strategy said = wish.strategy();
        if (said != null && said != Strategy.EVIDENCE) {
            return new Resolved(said, Optional.empty(), Optional.empty());
        }
        @Nullable Digest calibration = wish.parameters().calibration();
        Optional<SharedCalibration> common = SharedCalibration.of(base, experts, calibration);
        if (said == null) {
            StrategyDefault because = because(common.isPresent());
            return because.reason() == Reason.CALIBRATED
                    ? new Resolved(Strategy.EVIDENCE, Optional.of(because), common)
                    : new Resolved(Strategy.ARROW, Optional.of(because), Optional.empty());
        }
        if (common.isEmpty()) {
            throw notCalibrated(calibration);
        }
        return new Resolved(said, Optional.empty(), common);
    }

    private StrategyDefault because(boolean comparable) {
        if (hasGateParameters()) {
            return StrategyDefault.because(Reason.GATE_PARAMETERS);
        }
        if (comparable) {
            return StrategyDefault.because(Reason.CALIBRATED);
        }
        return base.calibration()
                .map(newest -> new StrategyDefault(
                        Reason.EXPERTS_NOT_CALIBRATED, SharedCalibration.without(experts, newest.digest())))
                .orElseGet(() -> StrategyDefault.because(Reason.BASE_NOT_CALIBRATED));
    }

    /** Whether somebody asks for what evidence cannot do: such a request means a gate, without saying so. */
    private boolean hasGateParameters() {
        InputNorm norm = wish.parameters().inputNorm();
        return norm != null
                || wish.combine() == Combine.FACTORS
                || wish.parameters().generalExperts() != null
                || (wish.topK() != null && wish.topK() > ResolveParameters.EVIDENCE_TOP_K_MAX);
    }

    private RequestRefusedException notCalibrated(@Nullable Digest calibration) {
        Optional<Digest> wanted = calibration != null
                ? Optional.of(calibration)
                : base.calibration().map(newest -> newest.digest());
        String why = wanted.map(digest -> "these experts have no evidence against calibration " + digest + ": "
                        + SharedCalibration.without(experts, digest).stream()
                                .limit(NAMES_MAX)
                                .map(expert -> expert.adapter().toString())
                                .toList())
                .orElseGet(() -> "base model " + base.name() + " has no calibration");
        return new RequestRefusedException(
                RefusalCode.NOT_CALIBRATED,
                "strategy evidence compares experts that were measured against one calibration, and " + why,
                calibration != null ? "routing.calibration" : "routing.strategy");
    }
}
