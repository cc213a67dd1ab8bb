package io.quiver.cli;

import io.quiver.client.RefusedException;
import io.quiver.client.Violation;
import io.quiver.terminal.Terminal;
import io.quiver.terminal.Terminal.Style;
import java.util.ArrayList;
import java.util.List;

/** Shows what a service refused, each violation on lines of its own. */
final class Refusals {
    private Refusals() {}

    static void print(Terminal terminal, String what, RefusedException refused) {
        String code = refused.code().isEmpty() ? "" : " (" + refused.code() + ")";
        int count = refused.violations().size();
        // One violation says all there is to say; the summary would only repeat it.
        String summary = count == 0 ? refused.getMessage() : count == 1 ? "" : count + " things are wrong";
        terminal.err()
                .println(terminal.paint(Style.RED, "✗ " + what) + code + (summary.isEmpty() ? "" : ": " + summary));
        refused.violations().forEach(violation -> print(terminal, violation));
    }

    private static void print(Terminal terminal, Violation violation) {
        String where = violation.where();
        terminal.err()
                .println("  " + terminal.paint(Style.BOLD, violation.code())
                        + (where == null ? "" : "  " + terminal.paint(Style.DIM, where)));
        wrapped(violation.message(), terminal.columns() - 5)
                .forEach(line -> terminal.err().println("    " + line));
    }

    /** Breaks a text at spaces into lines of at most {@code columns}; a longer word stands alone. */
    static List<String> wrapped(String text, int columns) {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder();
        for (String word : text.strip().split("\\s+")) {
            if (line.length() > 0 && line.length() + 1 + word.length() > columns) {
                lines.add(line.toString());
                line.setLength(0);
            }
            line.append(line.length() == 0 ? "" : " ").append(word);
        }
        lines.add(line.toString());
        return lines;
    }
}
