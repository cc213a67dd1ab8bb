package io.quiver.terminal;

import java.util.ArrayList;
import java.util.List;

/** Rows under headings, each column as wide as its widest cell. */
public final class Table {
    private final List<String> headings;
    private final List<List<String>> rows = new ArrayList<>();

    public Table(String... headings) {
        this.headings = List.of(headings);
    }

    /** @throws IllegalArgumentException if there are not as many cells as headings */
    public Table row(String... cells) {
        if (cells.length != headings.size()) {
            throw new IllegalArgumentException(cells.length + " cells under " + headings.size() + " headings");
        }
        rows.add(List.of(cells));
        return this;
    }

    public boolean isEmpty() {
        return rows.isEmpty();
    }

    /** Prints headings and rows; the last column is not padded. */
    public void print(Terminal terminal) {
        int[] widths = new int[headings.size()]; // (columns)
        widen(widths, headings);
        rows.forEach(row -> widen(widths, row));
        terminal.out().println(terminal.paint(Terminal.Style.DIM, line(headings, widths)));
        rows.forEach(row -> terminal.out().println(coloured(terminal, line(row, widths))));
    }

    private static void widen(int[] widths, List<String> cells) {
        for (int i = 0; i < cells.size(); i++) {
            widths[i] = Math.max(widths[i], length(cells.get(i)));
        }
    }

    private static String line(List<String> cells, int[] widths) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < cells.size(); i++) {
            String cell = cells.get(i);
            line.append(cell);
            if (i < cells.size() - 1) {
                line.append(" ".repeat(widths[i] - length(cell) + 2));
            }
        }
        return line.toString().stripTrailing();
    }

    /** States are coloured after the columns are laid out: escape sequences take no room. */
    private static String coloured(Terminal terminal, String line) {
        return line.replaceFirst("\\bREADY\\b", terminal.paint(Terminal.Style.GREEN, "READY"))
                .replaceFirst("\\bFAILED\\b", terminal.paint(Terminal.Style.RED, "FAILED"))
                .replaceFirst("\\bCOMPUTING\\b", terminal.paint(Terminal.Style.YELLOW, "COMPUTING"))
                .replaceFirst("\\bUPLOADED\\b", terminal.paint(Terminal.Style.BLUE, "UPLOADED"));
    }

    private static int length(String cell) {
        return cell.codePointCount(0, cell.length());
    }
}
