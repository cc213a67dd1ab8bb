package io.quiver.router;

import io.quiver.decoder.Combine;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Gate;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Scoring;
import io.quiver.decoder.Tracing;
import io.quiver.lora.merge.Merge;
import io.quiver.schemas.Digest;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * How one request is routed, resolved once at admission: from here on only digests count, so that nothing that happens
 * to names and aliases later touches it.
 *
 * @param experts in the order of the request, each content once; empty for the base alone
 * @param topK for gates and evidence
 * @param temperature for gates and evidence
 * @param combine for gates
 * @param scoring for gates
 * @param weights for constant coefficients and merges // (experts), else empty
 * @param merge where the library becomes one expert
 * @param subtraction what is taken out of every expert first
 * @param evidence with strategy evidence
 * @param because why it is this strategy, if the request named none for its library
 */
public record RoutingPlan(
        BaseModel base,
        Strategy strategy,
        List<PinnedExpert> experts,
        int topK,
        double temperature,
        Combine combine,
        TraceDetail trace,
        Scoring scoring,
        List<Double> weights,
        Optional<Merge> merge,
        Optional<Subtraction> subtraction,
        Optional<EvidencePlan> evidence,
        Optional<StrategyDefault> because) {
    public RoutingPlan {
        experts = List.copyOf(experts);
        weights = List.copyOf(weights);
    }

    /** SHA-256 over one line with the base's hex digits and one per expert, in order: equal for equal libraries only. */
    public Digest libraryDigest() {
        StringBuilder lines = new StringBuilder(base.digest().hex()).append('\n');
        experts.forEach(expert -> lines.append(expert.digest().hex()).append('\n'));
        return Digest.of(lines.toString().getBytes(StandardCharsets.UTF_8));
    }

    /** What must be resident, in the order of the experts; a merge is one. */
    public List<ExpertContent> contents() {
        if (merge.isPresent()) {
            return List.of(new ExpertContent.Merged(experts, merge.get()));
        }
        return experts.stream()
                .<ExpertContent>map(expert ->
                        subtraction.isPresent() ? new ExpertContent.Reduced(expert, subtraction.get()) : expert)
                .toList();
    }

    /**
     * What the decoder is told. With evidence it is the base alone, until a text's experts are chosen.
     *
     * @param residents of {@link #contents}, in that order
     * @throws RequestRefusedException if the experts lack what the strategy needs
     */
    Routing routing(List<Expert> residents) {
        if (strategy.isGate()) {
            // Every answer says how much each expert was used; what each module decided is much more and only said on
            // request.
            Tracing tracing = trace == TraceDetail.MODULES ? Tracing.MODULES : Tracing.SHARES;
            if (scoring.equals(Scoring.ARROW)) {
                return new Routing.Arrow(residents, topK, temperature, combine, tracing);
            }
            requireGateVectors(residents);
            return new Routing.Gated(residents, scoring, topK, temperature, combine, tracing);
        }
        if (merge.isPresent()) {
            return new Routing.Fixed(residents, List.of(1.0));
        }
        if (strategy == Strategy.EVIDENCE) {
            return new Routing.Base();
        }
        return residents.isEmpty() ? new Routing.Base() : new Routing.Fixed(residents, weights);
    }

    private void requireGateVectors(List<Expert> residents) {
        List<String> without = new ArrayList<>();
        for (int e = 0; e < residents.size(); e++) {
            if (!residents.get(e).hasGateVectors()) {
                without.add(experts.get(e).adapter().toString());
            }
        }
        if (scoring.gate() instanceof Gate.Phatgoose && !without.isEmpty()) {
            throw new RequestRefusedException(
                    RefusalCode.EXPERTS_INCOMPATIBLE,
                    "strategy phatgoose needs gate vectors, which these adapters were uploaded without: " + without,
                    "routing.strategy");
        }
    }

    /**
     * The same with fewer experts to choose from.
     *
     * @param places of the experts that are missing
     */
    RoutingPlan without(Set<Integer> places) {
        if (places.isEmpty()) {
            return this;
        }
        List<PinnedExpert> rest = new ArrayList<>();
        for (int e = 0; e < experts.size(); e++) {
            if (!places.contains(e)) {
                rest.add(experts.get(e));
            }
        }
        return new RoutingPlan(
                base,
                strategy,
                rest,
                topK,
                temperature,
                combine,
                trace,
                scoring,
                weights,
                merge,
                subtraction,
                evidence.map(plan -> plan.without(places)),
                because);
    }
}
