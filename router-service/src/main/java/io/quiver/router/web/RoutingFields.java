package io.quiver.router.web;

import io.quiver.decoder.Combine;
import io.quiver.lora.gate.InputNorm;
import io.quiver.lora.merge.GeneralKnowledge;
import io.quiver.lora.merge.Merge;
import io.quiver.router.RoutingWish;
import io.quiver.router.Selection;
import io.quiver.router.Strategy;
import io.quiver.router.StrategyParameters;
import io.quiver.router.TraceDetail;
import io.quiver.schemas.Digest;
import io.quiver.schemas.LabelSelector;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads the {@code routing} object of a request. */
final class RoutingFields {
    private static final int TEMPERATURE_MAX = 1_000_000;
    private static final double WEIGHT_MAX = 1000;
    private static final int WEIGHTS_MAX = 1024;
    private static final double SCORE_MAX = 1e9;
    /** What DARE keeps grows by 1/density. */
    private static final double DENSITY_MIN = 0.001;

    private RoutingFields() {}

    /** @param routing null if the request has none */
    static RoutingWish read(@Nullable Fields routing) {
        if (routing == null) {
            return RoutingWish.NONE;
        }
        RoutingWish wish = new RoutingWish(
                selection(routing),
                routing.word("strategy", Strategy.values(), Strategy::word),
                routing.integer("top_k", 1),
                routing.number("temperature", Double.MIN_VALUE, TEMPERATURE_MAX),
                routing.word(
                        "combine", Combine.values(), combine -> combine.name().toLowerCase(Locale.ROOT)),
                trace(routing),
                parameters(routing));
        routing.refuseUnknown();
        return wish;
    }

    private static StrategyParameters parameters(Fields routing) {
        Fields general = routing.object("general_knowledge");
        StrategyParameters parameters = new StrategyParameters(
                routing.numbers("weights", -WEIGHT_MAX, WEIGHT_MAX, WEIGHTS_MAX),
                routing.integer("candidates", 1),
                routing.word("input_norm", InputNorm.values(), InputNorm::word),
                routing.number("min_score", -SCORE_MAX, SCORE_MAX),
                routing.number("density", DENSITY_MIN, 1),
                routing.word("majority_sign", Merge.Election.values(), Merge.Election::word),
                routing.whole("seed"),
                general == null ? null : generalExperts(general),
                general == null ? null : general.word("form", GeneralKnowledge.values(), GeneralKnowledge::word),
                routing.get("strict") == null ? null : Boolean.valueOf(routing.flag("strict")),
                calibration(routing));
        if (general != null) {
            general.refuseUnknown();
        }
        return parameters;
    }

    private static @Nullable Digest calibration(Fields routing) {
        String digest = routing.text("calibration");
        if (digest == null) {
            return null;
        }
        try {
            return Digest.parse(digest);
        } catch (IllegalArgumentException e) {
            routing.refuse("calibration", "must be a digest, sha256:…: " + e.getMessage());
            return null;
        }
    }

    private static @Nullable List<String> generalExperts(Fields general) {
        List<String> experts = general.texts("experts");
        if (experts == null ? general.get("experts") == null : experts.isEmpty()) {
            general.refuse("experts", "must name at least one adapter");
        }
        return experts;
    }

    private static @Nullable Selection selection(Fields routing) {
        List<String> experts = routing.texts("experts");
        String selector = routing.text("selector");
        boolean all = routing.flag("all");
        if ((experts != null ? 1 : 0) + (selector != null ? 1 : 0) + (all ? 1 : 0) > 1) {
            routing.refuse("experts", "excludes routing.selector and routing.all: give one of the three");
            return null;
        }
        if (experts != null) {
            if (experts.isEmpty()) {
                routing.refuse("experts", "must name at least one expert");
            }
            return new Selection.Named(experts);
        }
        if (selector != null) {
            try {
                return new Selection.Labelled(LabelSelector.parse(selector));
            } catch (IllegalArgumentException e) {
                routing.refuse("selector", "cannot be read: " + e.getMessage());
            }
        }
        return all ? new Selection.All() : null;
    }

    private static TraceDetail trace(Fields routing) {
        JsonNode trace = routing.get("trace");
        if (trace == null || trace.isBoolean()) {
            return trace != null && trace.asBoolean() ? TraceDetail.TOKENS : TraceDetail.NONE;
        }
        if (trace.isString() && trace.asString().equals("tokens")) {
            return TraceDetail.TOKENS;
        }
        if (trace.isString() && trace.asString().equals("modules")) {
            return TraceDetail.MODULES;
        }
        routing.refuse("trace", "must be true, false, \"tokens\" or \"modules\"");
        return TraceDetail.NONE;
    }
}
