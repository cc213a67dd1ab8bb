package io.quiver.router.web;

import io.quiver.router.CompletionEvent.Finished;
import io.quiver.router.PinnedExpert;
import io.quiver.router.RoutingPlan;
import io.quiver.router.Strategy;
import io.quiver.router.TokenTrace;
import io.quiver.router.TraceDetail;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes the {@code routing} object of an answer: what was used, by digest, and how its tokens were routed. */
final class RoutingJson {
    private final RoutingPlan plan;

    RoutingJson(RoutingPlan plan) {
        this.plan = plan;
    }

    /** What is known before the first token: everything but shares and trace. */
    ObjectNode head() {
        ObjectNode routing = Json.object();
        routing.put("strategy", plan.strategy().word());
        if (plan.strategy() == Strategy.ARROW) {
            routing.put("combine", plan.combine().name().toLowerCase(Locale.ROOT))
                    .put("top_k", plan.topK())
                    .put("temperature", plan.temperature());
        }
        routing.put("library_digest", plan.libraryDigest().toString());
        ArrayNode experts = routing.putArray("experts");
        for (PinnedExpert expert : plan.experts()) {
            experts.addObject()
                    .put("name", expert.adapter().toString())
                    .put("version", expert.version())
                    .put("digest", expert.digest().toString());
        }
        return routing;
    }

    /**
     * Everything, once the answer is complete.
     *
     * @param choices the ends of all choices
     * @param tokens traces of the generated tokens, of an answer with one choice
     */
    ObjectNode whole(List<Finished> choices, List<TokenTrace> tokens) {
        ObjectNode routing = head();
        for (int e = 0; e < plan.experts().size(); e++) {
            double share = 0;
            for (Finished choice : choices) {
                share += choice.shares().get(e) / choices.size();
            }
            ((ObjectNode) routing.path("experts").path(e)).put("share", share);
        }
        if (plan.trace() != TraceDetail.NONE) {
            ObjectNode trace = routing.putObject("trace");
            addTokens(trace.putArray("tokens"), tokens);
            if (plan.trace() == TraceDetail.MODULES) {
                List<TokenTrace> prompt = choices.get(0).prompt();
                addTokens(trace.putArray("prompt_tokens"), prompt);
                addModules(trace.putArray("modules"), tokens);
                addModules(trace.putArray("prompt_modules"), prompt);
            }
        }
        return routing;
    }

    /** The routing of a chunk in the middle of a stream. */
    ObjectNode of(TokenTrace token) {
        ObjectNode routing = Json.object();
        addTokens(routing.putObject("trace").putArray("tokens"), List.of(token));
        return routing;
    }

    private void addTokens(ArrayNode array, List<TokenTrace> tokens) {
        for (TokenTrace token : tokens) {
            ObjectNode node = array.addObject().put("token", token.token()).put("text", token.text());
            Integer expert = token.expert();
            if (expert != null) {
                node.put("expert", label(expert));
                ArrayNode shares = node.putArray("shares");
                token.shares().forEach(shares::add);
            }
        }
    }

    /** The expert's name; with its version where two versions of one adapter are in the library. */
    private String label(int index) {
        PinnedExpert expert = plan.experts().get(index);
        long versions = plan.experts().stream()
                .filter(other -> other.adapter().equals(expert.adapter()))
                .count();
        return versions == 1 ? expert.adapter().toString() : expert.adapter() + ":" + expert.version();
    }

    /** Per module the rows of all tokens; every token has been through the same modules. */
    private static void addModules(ArrayNode array, List<TokenTrace> tokens) {
        int modules = tokens.isEmpty() ? 0 : tokens.get(0).modules().size();
        for (int m = 0; m < modules; m++) {
            ObjectNode node = array.addObject()
                    .put("module", tokens.get(0).modules().get(m).module());
            ArrayNode scores = node.putArray("scores");
            ArrayNode coefficients = node.putArray("coefficients");
            for (TokenTrace token : tokens) {
                addRow(scores.addArray(), token.modules().get(m).scores());
                addRow(coefficients.addArray(), token.modules().get(m).coefficients());
            }
        }
    }

    private static void addRow(ArrayNode array, float[] row) {
        for (float value : row) {
            array.add(value);
        }
    }
}
