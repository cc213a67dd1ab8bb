package io.quiver.router.web;

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
        ObjectNode used = new RoutingJson(plan).head();
        used.properties().stream()
                .filter(field -> !"library_digest".equals(field.getKey()) && !SELECTION.contains(field.getKey()))
                .forEach(field -> routing.set(field.getKey(), field.getValue()));
        if (plan.strategy() != Strategy.BASE) {
            ArrayNode experts = routing.putArray("experts");
            plan.experts().forEach(expert -> experts.add(expert.digest().toString()));
        }
        return replay;
    }
}
