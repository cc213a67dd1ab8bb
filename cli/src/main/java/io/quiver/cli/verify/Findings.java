package io.quiver.cli.verify;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;

/** What a case found so far: of every quantity the largest error, and every difference where things must be equal. Not thread-safe. */
final class Findings {
    private static final int DIFFERENCES_SHOWN_MAX = 3;

    private final Map<String, Largest> errors = new LinkedHashMap<>();
    private final Map<String, Long> equals = new LinkedHashMap<>();
    private final List<String> differences = new ArrayList<>();

    /** The largest error of a quantity; NaN counts as larger than anything. */
    private record Largest(double error, double tolerance, String where) {
        boolean isWithin() {
            return error <= tolerance;
        }

        @Override
        public String toString() {
            return String.format(Locale.ROOT, "%.1e (tolerance %.0e)", error, tolerance)
                    + (isWithin() ? "" : " at " + where);
        }
    }

    /** Notes an error of a quantity. */
    void near(String quantity, double error, double tolerance, String where) {
        double magnitude = Double.isNaN(error) ? Double.POSITIVE_INFINITY : Math.abs(error);
        Largest known = errors.get(quantity);
        if (known == null || magnitude > known.error) {
            errors.put(quantity, new Largest(magnitude, tolerance, where));
        }
    }

    /** Notes that {@code count} things were equal, or what the difference was. */
    void equal(String quantity, boolean equal, long count, String difference) {
        if (equal) {
            equals.merge(quantity, count, Long::sum);
        } else {
            equals.putIfAbsent(quantity, 0L);
            differences.add(quantity + ": " + difference);
        }
    }

    /** What the case comes to. One that compared nothing has failed. */
    Outcome outcome() {
        if (errors.isEmpty() && equals.isEmpty()) {
            return new Outcome.Failed("there is nothing to compare with");
        }
        StringJoiner details = new StringJoiner(", ");
        boolean passed = differences.isEmpty();
        for (Map.Entry<String, Largest> error : errors.entrySet()) {
            details.add(error.getKey() + " " + error.getValue());
            passed &= error.getValue().isWithin();
        }
        equals.forEach((quantity, count) -> details.add(quantity + " " + count + " equal"));
        differences.stream().limit(DIFFERENCES_SHOWN_MAX).forEach(details::add);
        if (differences.size() > DIFFERENCES_SHOWN_MAX) {
            details.add("and " + (differences.size() - DIFFERENCES_SHOWN_MAX) + " more differences");
        }
        return passed ? new Outcome.Passed(details.toString()) : new Outcome.Failed(details.toString());
    }
}
