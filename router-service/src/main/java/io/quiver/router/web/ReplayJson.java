package io.quiver.router.web;

import io.quiver.router.PinnedExpert;
import io.quiver.router.RoutingPlan;
import io.quiver.router.RunningCompletion;
import io.quiver.router.Strategy;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes what makes a request give the same tokens again, whatever happens to names, labels and aliases in between: fields to
 * put in place of the request's own.
 */
final class ReplayJson {
    /** How a request says which experts it wants; a replay says it by digests. */
    private static final List<String> SELECTION = List.of("experts", "selector", "all");

    /** What an answer says and no request may: it follows from the rest. */
    private static final List<String> FOLLOWING = List.of("library_digest", "merged_digest", "left_out");

    private ReplayJson() {}

    /** @param asked the request's {@code routing}; null if it has none */
    static ObjectNode of(RunningCompletion running, @Nullable JsonNode asked) {
        RoutingPlan plan = running.plan();
        ObjectNode replay = Json.object()
                .put("seed", running.seed())
                .put("model", plan.base().name())
                .put("base_digest", plan.base().digest().toString());
        ObjectNode routing = replay.putObject("routing");
        if (asked != null) {
            asked.properties().stream()
                    .filter(field -> !SELECTION.contains(field.getKey()) && !"trace".equals(field.getKey()))
                    .forEach(field -> routing.set(field.getKey(), field.getValue()));
        }
        // What the request left to the router's defaults.
        ObjectNode used = new RoutingJson(running).head();
        used.properties().stream()
                .filter(field -> !FOLLOWING.contains(field.getKey()) && !SELECTION.contains(field.getKey()))
                .forEach(field -> routing.set(field.getKey(), field.getValue()));
        if (plan.strategy() != Strategy.BASE) {
            addDigests(routing, plan.experts());
        }
        plan.subtraction()
                .ifPresent(subtraction -> addDigests(
                        routing.putObject("general_knowledge")
                                .put("form", subtraction.form().word()),
                        subtraction.general()));
        return replay;
    }

    private static void addDigests(ObjectNode node, List<PinnedExpert> experts) {
        ArrayNode digests = node.putArray("experts");
        experts.forEach(expert -> digests.add(expert.digest().toString()));
    }
}
