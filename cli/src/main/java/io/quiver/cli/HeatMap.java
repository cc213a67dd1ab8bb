package io.quiver.cli;

import io.quiver.cli.Explanation.Expert;
import io.quiver.cli.Explanation.Token;
import io.quiver.terminal.Bar;
import io.quiver.terminal.Terminal;
import io.quiver.terminal.Terminal.Style;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;

/**
 * Draws which words of a prompt speak for which expert. In colours the prompt is shown once for each leading expert, warmer where a
 * word says more; without colours there is a line for each word, with bars. The warmest is the largest value shown.
 */
final class HeatMap {
    private static final int EXPERTS_MAX = 3;
    private static final int BAR_COLUMNS = 10;
    private static final int WORD_COLUMNS_MAX = 24;
    private static final String INDENT = "  ";

    private final Terminal terminal;
    private final PrintStream out;

    HeatMap(Terminal terminal) {
        this.terminal = terminal;
        this.out = terminal.out();
    }

    void draw(Explanation explanation) {
        List<Expert> experts = explanation.experts().stream().limit(EXPERTS_MAX).toList();
        out.println(terminal.paint(Style.BOLD, explanation.strategy())
                + (explanation.settings().isEmpty() ? "" : "  " + explanation.settings()));
        if (experts.isEmpty()) {
            out.println(terminal.paint(Style.DIM, INDENT + "no expert is asked: there is nothing to decide"));
            return;
        }
        List<Token> words = explanation.words();
        double warmest = words.stream()
                .flatMap(word -> word.values().stream().limit(experts.size()))
                .mapToDouble(Double::doubleValue)
                .max()
                .orElse(0);
        if (terminal.colour()) {
            for (int e = 0; e < experts.size(); e++) {
                out.println(head(experts.get(e)));
                painted(words, e, warmest);
            }
        } else {
            experts.forEach(expert -> out.println(head(expert)));
            barred(words, experts, warmest);
        }
        int hidden = explanation.experts().size() - experts.size();
        if (hidden > 0) {
            out.println(terminal.paint(Style.DIM, INDENT + "and " + hidden + " more experts, which lead nowhere"));
        }
    }

    private String head(Expert expert) {
        String name = expert.answers() ? terminal.paint(Style.BOLD, expert.name()) : expert.name();
        return name + "  " + terminal.paint(Style.DIM, expert.says());
    }

    private void painted(List<Token> words, int expert, double warmest) {
        int room = terminal.columns() - INDENT.length();
        int column = 0;
        StringBuilder line = new StringBuilder(INDENT);
        for (Token word : words) {
            String text = shown(word.text());
            int length = text.codePointCount(0, text.length());
            if (column > 0 && column + length > room) {
                out.println(line);
                line = new StringBuilder(INDENT);
                column = 0;
            }
            line.append(terminal.heat(word.values().get(expert) / warmest, text));
            column += length;
        }
        out.println(line);
    }

    private void barred(List<Token> words, List<Expert> experts, double warmest) {
        int width = words.stream()
                .mapToInt(word ->
                        Math.min(WORD_COLUMNS_MAX, shown(word.text()).strip().length()))
                .max()
                .orElse(0);
        for (Token word : words) {
            String text = shown(word.text()).strip();
            String cut = text.length() > width ? text.substring(0, width - 1) + "…" : text;
            StringBuilder line = new StringBuilder(INDENT + cut + " ".repeat(width - cut.length()));
            for (int e = 0; e < experts.size(); e++) {
                double value = word.values().get(e);
                line.append(String.format(Locale.ROOT, "%8.2f ", value)).append(Bar.of(value / warmest, BAR_COLUMNS));
            }
            out.println(line.toString().stripTrailing());
        }
    }

    private static String shown(String text) {
        return Terminal.printable(text.replace("\n", "⏎").replace("\t", "⇥"));
    }
}
