package io.quiver.router.web;

import io.quiver.router.RoutingPlan;
import io.quiver.router.RunningCompletion;
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
    private static final List<String> FOLLOWING =
            List.of("library_digest", "merged_digest", "left_out", "default", "library_size");

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
        // What the request left to the router's defaults, and its experts as what they were resolved to.
        new RoutingJson(running)
                .head().properties().stream()
                        .filter(field -> !FOLLOWING.contains(field.getKey()))
                        .forEach(field -> putPinned(routing, field.getKey(), field.getValue()));
        return replay;
    }

    /** Puts a field of an answer as a request has it: experts by their digests, at whatever depth. */
    private static void putPinned(ObjectNode target, String name, JsonNode value) {
        if ("experts".equals(name)) {
            if (!value.isEmpty()) {
                ArrayNode experts = target.putArray(name);
                value.forEach(expert -> experts.add(expert.path("digest").asString()));
            }
        } else if (value.isObject()) {
            ObjectNode inner = target.putObject(name);
            value.properties().forEach(field -> putPinned(inner, field.getKey(), field.getValue()));
        } else {
            target.set(name, value);
        }
    }
}
