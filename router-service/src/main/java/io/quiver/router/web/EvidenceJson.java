package io.quiver.router.web;

import io.quiver.lora.evidence.EvidenceDecision;
import io.quiver.lora.evidence.EvidenceReading;
import io.quiver.router.CompletionEvent.Decided;
import io.quiver.router.CompletionEvent.PromptToken;
import io.quiver.router.EvidenceChoice;
import io.quiver.router.EvidencePlan;
import io.quiver.router.PinnedExpert;
import io.quiver.router.RoutingPlan;
import io.quiver.router.StrategyDefault;
import io.quiver.router.TraceDetail;
import java.util.List;
import java.util.stream.IntStream;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes what evidence decided, and why. */
final class EvidenceJson {
    /** Experts that an answer ranks, unless it has a trace. */
    private static final int RANKED_MAX = 10;

    private static final int NAMES_MAX = 10;

    private EvidenceJson() {}

    /** Why the strategy is the one that it is, where the request did not say. */
    static void putDefault(ObjectNode routing, StrategyDefault because) {
        ObjectNode node =
                routing.putObject("default").put("reason", because.reason().word());
        if (!because.experts().isEmpty()) {
            ArrayNode experts = node.putArray("experts");
            because.experts().stream()
                    .limit(NAMES_MAX)
                    .forEach(expert -> experts.add(expert.adapter().toString()));
        }
    }

    /** What the library was compared by. */
    static void put(ObjectNode routing, RoutingPlan plan, EvidencePlan evidence) {
        routing.put("top_k", plan.topK())
                .put("temperature", plan.temperature())
                .put("calibration", evidence.calibration().digest().toString())
                .put("library_size", plan.experts().size());
        evidence.minScore().ifPresent(score -> routing.put("min_score", score));
        if (evidence.strict()) {
            routing.put("strict", true);
        }
    }

    /** Who answers one choice, and how all experts compare, the best first. */
    static ObjectNode decision(RoutingPlan plan, Decided decided) {
        EvidenceChoice choice = decided.evidence();
        EvidenceDecision decision = choice.decision();
        ObjectNode node = Json.object().put("choice", decided.choice());
        ArrayNode chosen = node.putArray("chosen");
        choice.chosen().forEach(expert -> chosen.add(RoutingJson.label(plan, expert)));
        node.put("threshold", finite(decision.threshold())).put("best", RoutingJson.label(plan, decision.best()));
        decision.runnerUp().ifPresent(second -> node.put("runner_up", RoutingJson.label(plan, second)));
        node.put("first_token", choice.firstToken());
        int ranked = plan.trace() == TraceDetail.NONE ? RANKED_MAX : decision.ranking().length;
        ArrayNode ranking = node.putArray("ranking");
        IntStream.of(decision.ranking()).limit(ranked).forEach(expert -> {
            PinnedExpert pinned = plan.experts().get(expert);
            EvidenceReading reading = decision.readings().get(expert);
            ObjectNode one = ranking.addObject()
                    .put("name", pinned.adapter().toString())
                    .put("version", pinned.version())
                    .put("score", decision.scores()[expert])
                    .put("stand_out", reading.standOut());
            if (decision.examples().experts() > 0) {
                one.put("evidence_score", reading.score())
                        .put("similarity", decision.examples().similarities()[expert])
                        .put("coefficient", decision.examples().coefficients()[expert])
                        .put("fit", decision.fit(expert));
            }
        });
        return node;
    }

    /** JSON has no infinity. */
    private static double finite(double value) {
        return Math.max(-Double.MAX_VALUE, Math.min(Double.MAX_VALUE, value));
    }

    /** The evidence of every token of a prompt, in the order of the experts that it names first. */
    static ObjectNode tokens(RoutingPlan plan, Decided decided) {
        EvidenceChoice choice = decided.evidence();
        ObjectNode node = Json.object();
        ArrayNode experts = node.putArray("experts");
        for (int e = 0; e < plan.experts().size(); e++) {
            experts.add(RoutingJson.label(plan, e));
        }
        node.put("first_token", choice.firstToken());
        ArrayNode tokens = node.putArray("tokens");
        List<PromptToken> prompt = decided.prompt();
        for (int t = 0; t < prompt.size(); t++) {
            ObjectNode token = tokens.addObject()
                    .put("token", prompt.get(t).token())
                    .put("text", prompt.get(t).text());
            ArrayNode evidence = token.putArray("evidence");
            for (double[] ofExpert : choice.tokens()) {
                evidence.add((float) ofExpert[t]);
            }
        }
        return node;
    }
}
