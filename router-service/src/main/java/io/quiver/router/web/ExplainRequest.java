package io.quiver.router.web;

import io.quiver.router.Prompt;
import io.quiver.router.RoutingWish;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A request for an explanation.
 *
 * @param variants each with a trace of all modules
 * @param modules whether the answer has every module's decisions, not only their means
 */
record ExplainRequest(String model, Prompt prompt, List<RoutingWish> variants, boolean modules) {
    private static final int VARIANTS_MAX = 16;

    ExplainRequest {
        variants = List.copyOf(variants);
    }

    static ExplainRequest read(JsonNode body) {
        Fields fields = new Fields(body, "");
        boolean chat = fields.get("messages") != null;
        if (chat && fields.get("prompt") != null) {
            fields.refuse("messages", "excludes prompt: give one of the two");
        }
        Prompt prompt = chat ? PromptFields.chat(fields) : PromptFields.text(fields);
        if (prompt.count() > 1) {
            fields.refuse("prompt", "must be one prompt, not several");
        }
        String detail = fields.text("detail");
        if (detail != null && !detail.equals("tokens") && !detail.equals("modules")) {
            fields.refuse("detail", "must be \"tokens\" or \"modules\"");
        }
        ExplainRequest request =
                new ExplainRequest(fields.requiredText("model"), prompt, variants(fields), "modules".equals(detail));
        fields.refuseUnknown();
        fields.requireNoViolations();
        return request;
    }

    private static List<RoutingWish> variants(Fields fields) {
        JsonNode array = fields.get("variants");
        List<RoutingWish> variants = new ArrayList<>();
        if (array == null || !array.isArray() || array.isEmpty() || array.size() > VARIANTS_MAX) {
            fields.refuse("variants", "must be an array of 1 to " + VARIANTS_MAX + " routings");
            return variants;
        }
        for (int i = 0; i < array.size(); i++) {
            if (!array.path(i).isObject()) {
                fields.refuse("variants", "must hold objects only");
                return variants;
            }
            ObjectNode traced = ((ObjectNode) array.path(i)).deepCopy().put("trace", "modules");
            Fields variant = fields.inside(traced, "variants[" + i + "]");
            variants.add(fields.noting(RoutingFields::read, variant, RoutingWish.NONE));
        }
        return variants;
    }
}
