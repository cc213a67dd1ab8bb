package io.quiver.router;

import io.quiver.decoder.Expert;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The experts of one request, resident until this is closed, with what they are compared by where evidence chooses. */
final class ResidentLibrary implements AutoCloseable {
    private final RoutingPlan plan;
    private final ExpertPool.Lease experts;
    private final ResidentEvidence.@Nullable Lease evidence;

    private ResidentLibrary(RoutingPlan plan, ExpertPool.Lease experts, ResidentEvidence.@Nullable Lease evidence) {
        this.plan = plan;
        this.experts = experts;
        this.evidence = evidence;
    }

    /**
     * Makes a library resident. What a request names must be there; of what it only selects, a strategy that chooses can do without
     * what cannot be loaded.
     *
     * @param named whether the request names the experts
     * @throws RequestRefusedException if they cannot be loaded or do not fit
     */
    static ResidentLibrary acquire(ServedModel model, RoutingPlan wanted, boolean named) {
        ExpertPool.Lease experts = named || !wanted.strategy().chooses()
                ? model.experts().acquire(wanted.contents())
                : model.experts().acquireWhatCanBeLoaded(wanted.contents());
        try {
            RoutingPlan plan = wanted.without(experts.leftOut().keySet());
            ResidentEvidence.@Nullable Lease evidence = plan.evidence()
                    .map(compared -> model.evidence().acquire(compared, plan.experts(), model.experts()::grew))
                    .orElse(null);
            return new ResidentLibrary(plan, experts, evidence);
        } catch (RuntimeException e) {
            experts.close();
            throw e;
        }
    }

    /** How the request is routed, without what was left out. */
    RoutingPlan plan() {
        return plan;
    }

    /** In the order of the plan. */
    List<Expert> experts() {
        return experts.experts();
    }

    /** What of the wanted experts could not be loaded, and why. */
    List<LeftOut> leftOut(RoutingPlan wanted) {
        return experts.leftOut().entrySet().stream()
                .map(each -> new LeftOut(wanted.experts().get(each.getKey()), each.getValue()))
                .toList();
    }

    /** How a text's experts are chosen; null if they are not. */
    @Nullable
    ChooseExperts choose() {
        return evidence == null ? null : new ChooseExperts(evidence.library(), plan, experts());
    }

    /** What the experts are compared by; null unless evidence chooses. */
    @Nullable
    EvidenceLibrary evidence() {
        return evidence == null ? null : evidence.library();
    }

    /** The same for one more text. */
    ResidentLibrary again() {
        return new ResidentLibrary(plan, experts.again(), evidence == null ? null : evidence.again());
    }

    @Override
    public void close() {
        if (evidence != null) {
            evidence.close();
        }
        experts.close();
    }
}
