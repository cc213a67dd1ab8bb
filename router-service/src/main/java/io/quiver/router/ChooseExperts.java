package io.quiver.router;

import io.quiver.decoder.Expert;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.lora.evidence.EvidenceDecision;
import io.quiver.lora.evidence.ProbePoint;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Chooses who answers a text, once the bare base has read its prompt: the expert with the highest score, or the two best with
 * softmax(score / temperature), or nobody if the best does not stand out. Immutable; used by the decode thread.
 */
public final class ChooseExperts {
    private final EvidenceLibrary library;
    private final RoutingPlan plan;
    private final EvidencePlan evidence;
    private final List<Expert> experts;

    /** @param experts resident, in the order of the plan */
    ChooseExperts(EvidenceLibrary library, RoutingPlan plan, List<Expert> experts) {
        this.library = library;
        this.plan = plan;
        this.evidence = plan.evidence().orElseThrow();
        this.experts = List.copyOf(experts);
    }

    /** The points whose inputs the bare base must keep. */
    List<ProbePoint> probed() {
        return library.probed();
    }

    /**
     * Chooses.
     *
     * @param bare has read the whole prompt
     * @param firstToken that brings evidence
     * @throws RequestRefusedException {@link RefusalCode#NO_EXPERT_FITS} if the request is strict and nobody stands out
     */
    EvidenceChoice choose(Sequence bare, int firstToken) {
        EvidenceDecision decision = library.decide(bare, firstToken, evidence.minScore());
        if (evidence.strict() && decision.chosen().isEmpty()) {
            throw noneFits(decision);
        }
        int count = decision.chosen().isEmpty() ? 0 : Math.min(plan.topK(), experts.size());
        List<Integer> chosen =
                IntStream.of(decision.ranking()).limit(count).boxed().toList();
        List<double[]> tokens = plan.trace() == TraceDetail.NONE ? List.of() : library.everyToken(bare);
        return new EvidenceChoice(decision, firstToken, chosen, weights(decision, chosen), tokens);
    }

    private List<Double> weights(EvidenceDecision decision, List<Integer> chosen) {
        double[] exponentials = chosen.stream()
                .mapToDouble(expert ->
                        Math.exp((decision.scores()[expert] - decision.scores()[decision.best()]) / plan.temperature()))
                .toArray(); // (chosen)
        double sum = IntStream.range(0, exponentials.length)
                .mapToDouble(i -> exponentials[i])
                .sum();
        return IntStream.range(0, exponentials.length)
                .mapToObj(i -> exponentials[i] / sum)
                .toList();
    }

    /** What the decoder is told of a choice. */
    Routing routing(EvidenceChoice choice) {
        return choice.chosen().isEmpty()
                ? new Routing.Base()
                : new Routing.Fixed(choice.chosen().stream().map(experts::get).toList(), choice.weights());
    }

    private RequestRefusedException noneFits(EvidenceDecision decision) {
        PinnedExpert best = plan.experts().get(decision.best());
        return new RequestRefusedException(
                RefusalCode.NO_EXPERT_FITS,
                String.format(
                        Locale.ROOT,
                        "no expert fits: the best is %s with score %.3f, which stands out by %.3f; %s asks for %.3f",
                        best.adapter(),
                        decision.scores()[decision.best()],
                        decision.fit(decision.best()),
                        evidence.minScore().isPresent() ? "routing.min_score" : "the library's threshold",
                        decision.threshold()),
                "routing.strict");
    }
}
