package io.quiver.router.web;

import io.quiver.router.ExplainRouting.Explanation;
import io.quiver.router.TokenLogprob.Candidate;
import io.quiver.router.TokenTrace;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes explanations: the prompt's tokens once, then what each variant decided for them. */
final class ExplanationJson {
    private ExplanationJson() {}

    /** @param explanations of one prompt, one for each variant, at least one */
    static ObjectNode of(ExplainRequest request, List<Explanation> explanations) {
        Explanation first = explanations.get(0);
        ObjectNode answer = Json.object().put("object", "routing.explanation").put("model", request.model());
        answer.putObject("base")
                .put("name", first.plan().base().name())
                .put("digest", first.plan().base().digest().toString());
        ArrayNode tokens = answer.putArray("tokens");
        for (TokenTrace token : first.tokens()) {
            tokens.addObject().put("token", token.token()).put("text", token.text());
        }
        ArrayNode variants = answer.putArray("variants");
        explanations.forEach(explanation -> variants.add(variant(explanation, request.modules())));
        return answer;
    }

    private static ObjectNode variant(Explanation explanation, boolean modules) {
        RoutingJson json = new RoutingJson(explanation.plan(), explanation.leftOut(), explanation.decisions());
        ObjectNode variant = Json.object();
        variant.set(
                "routing",
                json.withShares(expert -> explanation.tokens().stream()
                        .mapToDouble(token -> token.shares().get(expert))
                        .average()
                        .orElseThrow()));
        explanation
                .decisions()
                .forEach(decided -> variant.set("evidence", EvidenceJson.tokens(explanation.plan(), decided)));
        ArrayNode tokens = variant.putArray("tokens");
        for (TokenTrace token : explanation.tokens()) {
            json.putShares(tokens.addObject(), token);
        }
        if (modules) {
            addModules(variant.putArray("modules"), explanation.tokens());
        }
        ArrayNode next = variant.putArray("next");
        for (Candidate candidate : explanation.next()) {
            next.addObject()
                    .put("token", candidate.piece().token())
                    .put("text", LogprobsJson.text(candidate.piece(), ""))
                    .put("logprob", candidate.logprob());
        }
        return variant;
    }

    /** Per module the rows of all tokens and their mean. */
    private static void addModules(ArrayNode array, List<TokenTrace> tokens) {
        RoutingJson.addModules(array, tokens);
        for (int m = 0; m < array.size(); m++) {
            ObjectNode node = (ObjectNode) array.path(m);
            int experts = node.path("coefficients").path(0).size();
            ArrayNode shares = node.putArray("shares");
            for (int e = 0; e < experts; e++) {
                double mean = 0;
                for (TokenTrace token : tokens) {
                    mean += token.modules().get(m).coefficients()[e] / (double) tokens.size();
                }
                shares.add(mean);
            }
        }
    }
}
