package io.quiver.router.web;

import io.quiver.decoder.Combine;
import io.quiver.router.RoutingWish;
import io.quiver.router.Selection;
import io.quiver.router.Strategy;
import io.quiver.router.TraceDetail;
import io.quiver.schemas.LabelSelector;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads the {@code routing} object of a request. */
final class RoutingFields {
    private static final int TEMPERATURE_MAX = 1_000_000;

    private RoutingFields() {}

    /** @param routing null if the request has none */
    static RoutingWish read(@Nullable Fields routing) {
        if (routing == null) {
            return RoutingWish.NONE;
        }
        Selection selection = selection(routing);
        RoutingWish wish = new RoutingWish(
                selection,
                word(routing, "strategy", Strategy.values(), Strategy::word),
                routing.integer("top_k", 1),
                routing.number("temperature", Double.MIN_VALUE, TEMPERATURE_MAX),
                word(
                        routing,
                        "combine",
                        Combine.values(),
                        combine -> combine.name().toLowerCase(Locale.ROOT)),
                trace(routing));
        routing.refuseUnknown();
        return wish;
    }

    private static @Nullable Selection selection(Fields routing) {
        List<String> experts = routing.texts("experts");
        String selector = routing.text("selector");
        boolean all = routing.flag("all");
        if ((experts != null ? 1 : 0) + (selector != null ? 1 : 0) + (all ? 1 : 0) > 1) {
            throw routing.invalid("experts", "excludes routing.selector and routing.all: give one of the three");
        }
        if (experts != null) {
            if (experts.isEmpty()) {
                throw routing.invalid("experts", "must name at least one expert");
            }
            return new Selection.Named(experts);
        }
        if (selector != null) {
            try {
                return new Selection.Labelled(LabelSelector.parse(selector));
            } catch (IllegalArgumentException e) {
                throw routing.invalid("selector", "cannot be read: " + e.getMessage());
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
        throw routing.invalid("trace", "must be true, false, \"tokens\" or \"modules\"");
    }

    private static <T> @Nullable T word(Fields fields, String name, T[] values, Function<T, String> toWord) {
        String word = fields.text(name);
        if (word == null) {
            return null;
        }
        return Arrays.stream(values)
                .filter(value -> toWord.apply(value).equals(word))
                .findFirst()
                .orElseThrow(() -> fields.invalid(
                        name,
                        "must be one of " + Arrays.stream(values).map(toWord).toList() + ", but is '" + word + "'"));
    }
}
