package io.quiver.cli.routability;

import io.quiver.terminal.Table;
import io.quiver.terminal.Terminal;
import io.quiver.terminal.Terminal.Style;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Shows a routability report to people: a line for each expert, who is given whose examples, and what to do next. */
public final class RoutabilityTables {
    private static final String NOTHING = "·";
    private static final String NONE = "–";

    private final Terminal terminal;
    private final RoutabilityReport report;

    public RoutabilityTables(Terminal terminal, RoutabilityReport report) {
        this.terminal = terminal;
        this.report = report;
    }

    /** Prints everything. */
    public void print() {
        experts();
        if (report.hasExamples()) {
            matrix("examples of, given to", true, report.experts().size() + 1, this::given);
        }
        if (report.experts().size() > 1 && report.experts().stream().anyMatch(expert -> expert.read() == 0)) {
            matrix("alike on generic requests", false, report.experts().size(), this::alike);
        }
        advice();
    }

    private void experts() {
        int experts = report.experts().size();
        terminal.out()
                .println(experts + (experts == 1 ? " expert on " : " experts on ") + report.base() + ", threshold "
                        + figure(report.threshold()) + ", " + report.genericRequests() + " generic requests");
        Table table = new Table("", "EXPERT", "CHOSEN", "STANDS OUT", "TAKES", "GENERIC", "NEAREST", "VERDICT");
        for (int e = 0; e < experts; e++) {
            ReportedExpert expert = report.experts().get(e);
            boolean known = expert.read() > 0;
            table.row(
                    String.valueOf(e + 1),
                    expert.name() + ":" + expert.version(),
                    known ? expert.chosen() + "/" + expert.read() : NONE,
                    known ? expert.fires() + "/" + expert.read() + " by " + figure(expert.standOut()) : NONE,
                    expert.othersRead() > 0 ? expert.taken() + "/" + expert.othersRead() : NONE,
                    figure(expert.largest()),
                    nearest(expert),
                    expert.says());
        }
        table.print(terminal);
        note("(chosen: for own examples; takes: examples of others)");
        note(String.format(
                Locale.ROOT,
                "(generic: part of the generic requests where it stands out the most, fair is %.2f;",
                1.0 / experts));
        note(" nearest: whose stand-outs on these go with its own, and the correlation)");
        if (report.sharpened()) {
            note("(requests are also compared with the examples, which is not counted here: each is like itself)");
        }
    }

    private void note(String text) {
        terminal.out().println(terminal.paint(Style.DIM, text));
    }

    /** The number of its row, as columns have it, and the correlation. */
    private String nearest(ReportedExpert expert) {
        for (int e = 0; e < report.experts().size(); e++) {
            if (report.experts().get(e).isCalled(expert.nearest())) {
                return (e + 1) + " " + figure(expert.correlation());
            }
        }
        return NONE;
    }

    /** A cell of a matrix: what it says, and how warm it is from 0 to 1. */
    private record Cell(String text, double heat) {}

    private interface Cells {
        Cell at(int row, int column);
    }

    private Cell given(int row, int column) {
        int count = report.chosen()[row][column];
        int all = report.experts().get(row).read();
        return new Cell(count == 0 ? NOTHING : String.valueOf(count), all == 0 ? 0 : count / (double) all);
    }

    private Cell alike(int row, int column) {
        double correlation = report.correlations()[row][column];
        return new Cell(row == column ? NOTHING : figure(correlation), row == column ? 0 : correlation);
    }

    /** Columns stand under the numbers of their rows, the last one of examples is the base. */
    private void matrix(String title, boolean examples, int columns, Cells cells) {
        int width = examples ? 4 : 5;
        List<Integer> rows = new ArrayList<>();
        int label = title.length();
        for (int e = 0; e < report.experts().size(); e++) {
            if (!examples || report.experts().get(e).read() > 0) {
                rows.add(e);
                label = Math.max(label, label(e).length());
            }
        }
        terminal.out().println();
        if (label + 1 + columns * (width + 1) > terminal.columns()) {
            note(title + ": too many columns for this terminal; --json has them");
            return;
        }
        StringBuilder head = new StringBuilder(padded(title, label));
        for (int column = 0; column < columns; column++) {
            String name = column == report.experts().size() ? "base" : String.valueOf(column + 1);
            head.append(' ').append(" ".repeat(width - name.length())).append(name);
        }
        terminal.out().println(terminal.paint(Style.DIM, head.toString()));
        for (int row : rows) {
            StringBuilder line = new StringBuilder(padded(label(row), label));
            for (int column = 0; column < columns; column++) {
                Cell cell = cells.at(row, column);
                String text = " ".repeat(Math.max(0, width - cell.text().length())) + cell.text();
                line.append(' ').append(cell.heat() > 0 ? terminal.heat(cell.heat(), text) : text);
            }
            terminal.out().println(line);
        }
    }

    private String label(int expert) {
        return (expert + 1) + " " + report.experts().get(expert).name();
    }

    private static String padded(String text, int columns) {
        return text + " ".repeat(columns - text.length());
    }

    /** Each piece of advice once, under the experts that it is for. */
    private void advice() {
        Map<String, List<ReportedExpert>> byAdvice = new LinkedHashMap<>();
        report.experts().stream()
                .filter(expert -> !expert.advice(report.sharpened()).isEmpty())
                .forEach(expert -> byAdvice.computeIfAbsent(
                                expert.advice(report.sharpened()), advice -> new ArrayList<>())
                        .add(expert));
        byAdvice.forEach((advice, experts) -> {
            terminal.out().println();
            experts.forEach(expert -> terminal.out().println(line(terminal, expert)));
            terminal.out().println("  " + advice);
        });
    }

    /** One line on an expert: its name, the verdict and the figures behind it. */
    public static String line(Terminal terminal, ReportedExpert expert) {
        Style style = expert.isFinding()
                ? Style.RED
                : expert.verdict().equals(ReportedExpert.ROUTABLE) ? Style.GREEN : Style.YELLOW;
        return terminal.paint(Style.BOLD, expert.name() + ":" + expert.version()) + "  "
                + terminal.paint(style, expert.says()) + "  " + terminal.paint(Style.DIM, expert.because());
    }

    private static String figure(double value) {
        return Double.isFinite(value) ? String.format(Locale.ROOT, "%.2f", value) : NONE;
    }
}
