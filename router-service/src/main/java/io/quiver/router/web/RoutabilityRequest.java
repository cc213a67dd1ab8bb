package io.quiver.router.web;

import io.quiver.router.RefusalCode;
import io.quiver.router.ReportRoutability;
import io.quiver.router.RequestRefusedException;
import io.quiver.router.RequestRefusedException.Violation;
import io.quiver.router.ResolveRouting;
import io.quiver.router.Selection;
import io.quiver.schemas.LabelSelector;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A request for a report: the parameters {@code model}, one of {@code experts} (references with commas between), {@code selector} and
 * {@code all} (default), and {@code examples}, how many of each expert are read.
 */
record RoutabilityRequest(String model, Selection library, int examplesMax) {
    private static final int EXAMPLES_DEFAULT = 16;
    private static final Set<String> KNOWN = Set.of("model", "experts", "selector", "all", "examples");

    /**
     * Reads a query.
     *
     * @throws RequestRefusedException with all that is wrong
     */
    static RoutabilityRequest read(Map<String, String[]> query) {
        List<Violation> violations = new ArrayList<>();
        query.forEach((name, values) -> {
            if (!KNOWN.contains(name)) {
                violations.add(
                        new Violation(RefusalCode.UNKNOWN_PARAMETER, "there is no parameter " + name + " here", name));
            } else if (values.length > 1) {
                refuse(violations, name, "is there " + values.length + " times");
            }
        });
        String model = value(query, "model");
        RoutabilityRequest request = new RoutabilityRequest(
                model == null ? ResolveRouting.EVERYTHING : model,
                selection(query, violations),
                examplesMax(value(query, "examples"), violations));
        if (!violations.isEmpty()) {
            throw new RequestRefusedException(violations);
        }
        return request;
    }

    private static @Nullable String value(Map<String, String[]> query, String name) {
        String[] values = query.get(name);
        return values == null ? null : values[0];
    }

    private static void refuse(List<Violation> violations, String param, String what) {
        violations.add(new Violation(RefusalCode.INVALID_REQUEST, param + " " + what, param));
    }

    private static int examplesMax(@Nullable String text, List<Violation> violations) {
        if (text == null) {
            return EXAMPLES_DEFAULT;
        }
        int count = text.matches("[0-9]{1,4}") ? Integer.parseInt(text) : 0;
        if (count < 1 || count > ReportRoutability.EXAMPLES_MAX) {
            refuse(violations, "examples", "must be a number from 1 to " + ReportRoutability.EXAMPLES_MAX);
        }
        return count;
    }

    private static Selection selection(Map<String, String[]> query, List<Violation> violations) {
        String experts = value(query, "experts");
        String selector = value(query, "selector");
        String all = value(query, "all");
        if (all != null && !all.equals("true")) {
            refuse(violations, "all", "must be true, or left out");
        }
        if ((experts != null ? 1 : 0) + (selector != null ? 1 : 0) + (all != null ? 1 : 0) > 1) {
            refuse(violations, "experts", "excludes selector and all: give one of the three");
        }
        if (experts != null) {
            List<String> references =
                    Arrays.stream(experts.split(",", -1)).map(String::strip).toList();
            if (references.contains("")) {
                refuse(violations, "experts", "must be references with commas between");
            }
            return new Selection.Named(references);
        }
        if (selector != null) {
            try {
                return new Selection.Labelled(LabelSelector.parse(selector));
            } catch (IllegalArgumentException e) {
                refuse(violations, "selector", "cannot be read: " + e.getMessage());
            }
        }
        return new Selection.All();
    }
}
