package io.quiver.router;

import io.quiver.decoder.Combine;
import io.quiver.decoder.Gate;
import io.quiver.decoder.Scoring;
import io.quiver.lora.gate.InputNorm;
import io.quiver.lora.merge.Merge;
import io.quiver.lora.merge.MergeMethod;
import io.quiver.router.RequestRefusedException.Violation;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Holds what a request says to its strategy against that strategy, and fills in what it leaves out. A parameter that the strategy
 * would not look at is refused, since its sender expects it to do something. For one request, used by one thread.
 */
final class ResolveParameters {
    /** Experts that Arrow keeps for LAG unless a request says otherwise. */
    static final int CANDIDATES = 8;

    static final double DENSITY = 0.5;

    /** Experts that evidence chooses at most. */
    static final int EVIDENCE_TOP_K_MAX = 2;

    private final Strategy strategy;
    private final RoutingWish wish;
    private final StrategyParameters said;
    private final int experts;
    private final List<Violation> violations = new ArrayList<>();

    ResolveParameters(Strategy strategy, RoutingWish wish, int experts) {
        this.strategy = strategy;
        this.wish = wish;
        this.said = wish.parameters();
        this.experts = experts;
    }

    /** What the strategy works with. */
    record Resolved(Scoring scoring, List<Double> weights, Optional<Merge> merge) {}

    /** @throws RequestRefusedException with all that is wrong */
    Resolved resolve() {
        refuseUnless(strategy.isGate(), said.inputNorm(), "input_norm", "a gate");
        refuseUnless(strategy.chooses(), said.minScore(), "min_score", "a gate or strategy evidence");
        refuseUnless(strategy == Strategy.EVIDENCE, said.strict(), "strict", "strategy evidence");
        refuseUnless(strategy == Strategy.EVIDENCE, said.calibration(), "calibration", "strategy evidence");
        if (strategy == Strategy.EVIDENCE && wish.topK() != null && wish.topK() > EVIDENCE_TOP_K_MAX) {
            refuse("top_k", "must be 1 or " + EVIDENCE_TOP_K_MAX + " with strategy evidence");
        }
        refuseUnless(strategy == Strategy.LAG, said.candidates(), "candidates", "strategy lag");
        refuseUnless(strategy.takesWeights(), said.weights(), "weights", "strategy weighted or a merge");
        refuseUnless(merges(MergeMethod::prunes), said.density(), "density", "a merge that drops entries");
        refuseUnless(merges(MergeMethod::elects), said.election(), "majority_sign", "strategies ties and dare_ties");
        refuseUnless(merges(MergeMethod::draws), said.seed(), "seed", "strategies dare_linear and dare_ties");
        refuseUnless(
                strategy.takesGeneralKnowledge(),
                said.generalExperts(),
                "general_knowledge",
                "gates and constant coefficients");
        if (wish.combine() == Combine.FACTORS && mixesOutputs()) {
            violations.add(new Violation(
                    RefusalCode.UNSUPPORTED_PARAMETER,
                    "combine factors works with a gate, not with strategy " + strategy.word(),
                    "routing.combine"));
        }
        if (strategy == Strategy.PHATGOOSE && said.inputNorm() != null && said.inputNorm() != InputNorm.LAYER_NORM) {
            refuse("input_norm", "must be layer_norm with strategy phatgoose, or left out");
        }
        checkWeights();
        if (!violations.isEmpty()) {
            throw new RequestRefusedException(violations);
        }
        List<Double> weights = weights();
        return new Resolved(
                scoring(),
                weights,
                strategy.merge().map(method -> new Merge(method, weights, density(method), election(), seed())));
    }

    /** Whether several experts are mixed with constant coefficients. */
    private boolean mixesOutputs() {
        return strategy == Strategy.UNIFORM
                || strategy == Strategy.EVIDENCE
                || strategy == Strategy.WEIGHTED
                || strategy.merge().isPresent();
    }

    private boolean merges(Predicate<MergeMethod> which) {
        return strategy.merge().filter(which).isPresent();
    }

    private void refuseUnless(boolean fits, @Nullable Object value, String name, String where) {
        if (value != null && !fits) {
            refuse(name, "works with " + where + ", not with strategy " + strategy.word());
        }
    }

    private void refuse(String name, String what) {
        String param = "routing." + name;
        violations.add(new Violation(RefusalCode.INVALID_REQUEST, param + " " + what, param));
    }

    private void checkWeights() {
        List<Double> weights = said.weights();
        if (weights == null) {
            if (strategy == Strategy.WEIGHTED) {
                refuse("weights", "is missing: strategy weighted needs one per expert");
            }
            return;
        }
        if (!strategy.takesWeights()) {
            return;
        }
        if (!(wish.selection() instanceof Selection.Named)) {
            refuse("weights", "needs routing.experts, whose order it follows");
        } else if (weights.size() != experts) {
            refuse(
                    "weights",
                    "must hold one per expert, but holds " + weights.size() + " for " + experts + " different experts");
        }
    }

    /** Constant coefficients and merges have a weight per expert; gates have none. */
    private List<Double> weights() {
        if (said.weights() != null) {
            return said.weights();
        }
        return strategy.chooses() || experts == 0 ? List.of() : Collections.nCopies(experts, 1.0 / experts);
    }

    private Scoring scoring() {
        Gate gate = gate();
        InputNorm norm = said.inputNorm() != null
                ? said.inputNorm()
                : gate instanceof Gate.Phatgoose ? InputNorm.LAYER_NORM : InputNorm.ID;
        OptionalDouble minScore = said.minScore() == null ? OptionalDouble.empty() : OptionalDouble.of(said.minScore());
        return new Scoring(gate, norm, minScore);
    }

    private Gate gate() {
        return switch (strategy) {
            case SPECTR -> new Gate.Spectr();
            case LAG -> new Gate.Lag(said.candidates() == null ? CANDIDATES : said.candidates());
            case PHATGOOSE -> new Gate.Phatgoose();
            case EVIDENCE,
                    ARROW,
                    SINGLE,
                    BASE,
                    UNIFORM,
                    WEIGHTED,
                    LINEAR,
                    CAT,
                    TIES,
                    DARE_LINEAR,
                    DARE_TIES,
                    MAGNITUDE_PRUNE -> new Gate.Arrow();
        };
    }

    private double density(MergeMethod method) {
        return !method.prunes() ? 1 : said.density() == null ? DENSITY : said.density();
    }

    private Merge.Election election() {
        return said.election() == null ? Merge.Election.TOTAL : said.election();
    }

    private long seed() {
        return said.seed() == null ? 0 : said.seed();
    }
}
