package io.quiver.router.web;

import io.quiver.lora.routability.ExpertRoutability;
import io.quiver.lora.routability.LibraryRoutability;
import io.quiver.router.PinnedExpert;
import io.quiver.router.ReportRoutability.Expert;
import io.quiver.router.ReportRoutability.Report;
import io.quiver.router.RoutingPlan;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes routability reports. What cannot be said for lack of examples or of others is left out. */
final class RoutabilityJson {
    private RoutabilityJson() {}

    static ObjectNode of(Report report) {
        RoutingPlan plan = report.plan();
        LibraryRoutability library = report.library();
        ObjectNode root = Json.object().put("object", "routability.report");
        root.putObject("base")
                .put("name", plan.base().name())
                .put("digest", plan.base().digest().toString());
        root.put("library_digest", plan.libraryDigest().toString())
                .put(
                        "calibration",
                        plan.evidence().orElseThrow().calibration().digest().toString())
                .put("threshold", library.threshold())
                .put("generic_requests", library.genericRequests())
                .put("fair_share", library.fairShare())
                .put("sharpened", report.sharpened());
        ArrayNode experts = root.putArray("experts");
        report.experts().forEach(expert -> write(plan, expert, experts.addObject()));
        ArrayNode chosen = root.putArray("chosen");
        for (int[] row : library.chosen()) {
            ArrayNode counts = chosen.addArray();
            for (int count : row) {
                counts.add(count);
            }
        }
        ArrayNode correlations = root.putArray("correlations");
        for (double[] row : library.correlations()) {
            ArrayNode values = correlations.addArray();
            for (double value : row) {
                values.add((float) value);
            }
        }
        return root;
    }

    private static void write(RoutingPlan plan, Expert expert, ObjectNode node) {
        ExpertRoutability routability = expert.routability();
        PinnedExpert pinned = expert.expert();
        node.put("name", pinned.adapter().toString())
                .put("version", pinned.version())
                .put("digest", pinned.digest().toString())
                .put("verdict", routability.verdict().word());
        if (!routability.confusedWith().isEmpty()) {
            ArrayNode confused = node.putArray("confused_with");
            routability.confusedWith().forEach(other -> confused.add(RoutingJson.label(plan, other)));
        }
        List<PinnedExpert> same = expert.sameContent();
        if (!same.isEmpty()) {
            ArrayNode names = node.putArray("same_content");
            same.forEach(other -> names.add(other.adapter().toString()));
        }
        ExpertRoutability.Own own = routability.own();
        ObjectNode examples = node.putObject("examples")
                .put("uploaded", expert.uploaded())
                .put("read", own.examples())
                .put("fires", own.fires())
                .put("chosen", own.chosen())
                .put("base", own.base());
        if (expert.unread() > 0) {
            examples.put("too_long", expert.unread());
        }
        putFinite(examples, "stand_out", own.standOut());
        putFinite(examples, "margin", own.margin());
        node.putObject("others_examples")
                .put("read", routability.others().examples())
                .put("taken", routability.others().taken());
        ExpertRoutability.Generic generic = routability.generic();
        ObjectNode requests =
                node.putObject("generic").put("largest", generic.largest()).put("passes", generic.passes());
        if (generic.nearest() >= 0) {
            requests.put("nearest", RoutingJson.label(plan, generic.nearest()))
                    .put("correlation", generic.correlation());
        }
    }

    private static void putFinite(ObjectNode node, String field, double value) {
        if (Double.isFinite(value)) {
            node.put(field, value);
        }
    }
}
