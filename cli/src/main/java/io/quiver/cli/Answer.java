package io.quiver.cli;

import io.quiver.client.Routing;
import io.quiver.client.Routing.Expert;
import io.quiver.client.Routing.Token;
import io.quiver.terminal.Bar;
import io.quiver.terminal.Terminal;
import io.quiver.terminal.Terminal.Style;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/**
 * Shows a streamed answer: its text as it comes, and at the end the experts with their shares. Tokens are coloured as they
 * come where the router says whose they are with each chunk; else the text is shown again in colours at the end. Used once.
 */
final class Answer implements Consumer<JsonNode> {
    private static final int BAR_COLUMNS = 20;

    private final Terminal terminal;
    private final boolean trace;
    private final StringBuilder text = new StringBuilder();
    private final List<Token> tokens = new ArrayList<>();
    private List<Expert> experts = List.of();
    private JsonNode settings = MissingNode.getInstance();
    private String finishReason = "";
    private boolean colouredAsItCame;

    Answer(Terminal terminal, boolean trace) {
        this.terminal = terminal;
        this.trace = trace;
    }

    @Override
    public void accept(JsonNode chunk) {
        JsonNode choice = chunk.path("choices").path(0);
        finishReason = choice.path("finish_reason").asString(finishReason);
        JsonNode said = chunk.path("routing");
        List<Token> chunkTokens;
        if (said.path("experts").isArray()) {
            // The first chunk says which experts there are, the last one everything about all tokens.
            settings = said;
            Routing routing = Routing.of(said);
            experts = routing.experts();
            chunkTokens = routing.tokens();
            if (!chunkTokens.isEmpty()) {
                tokens.clear();
            }
        } else {
            chunkTokens = Routing.tokens(said, experts);
        }
        tokens.addAll(chunkTokens);
        show(choice.path("delta").path("content").asString(""), chunkTokens);
    }

    private void show(String content, List<Token> chunkTokens) {
        if (content.isEmpty()) {
            return;
        }
        text.append(content);
        String shown = terminal.interactive() ? Terminal.printable(content) : content;
        if (!chunkTokens.isEmpty() && terminal.colour()) {
            colouredAsItCame = true;
            shown = terminal.paint(chunkTokens.get(chunkTokens.size() - 1).expert(), shown);
        }
        terminal.out().print(shown);
        terminal.out().flush();
    }

    /** Ends the answer's line; then legend, shares and, where wanted, the trace. Where the answer goes to a file, these go to stderr. */
    void end() {
        if (text.length() == 0 || text.charAt(text.length() - 1) != '\n') {
            terminal.out().println();
        }
        PrintStream aside = terminal.interactive() ? terminal.out() : terminal.err();
        if (finishReason.equals("length")) {
            aside.println(terminal.paint(Style.DIM, "(cut at --max-tokens)"));
        }
        if (experts.isEmpty()) {
            return;
        }
        if (terminal.colour() && !colouredAsItCame && !tokens.isEmpty()) {
            aside.println();
            tokens.forEach(token -> aside.print(terminal.paint(token.expert(), Terminal.printable(token.text()))));
            aside.println();
        }
        aside.println();
        legend(aside);
        if (trace) {
            aside.println();
            tokens.forEach(token -> aside.println(traceLine(token)));
        }
    }

    private void legend(PrintStream aside) {
        int width = experts.stream()
                .mapToInt(expert -> expert.reference().length())
                .max()
                .orElse(0);
        for (int i = 0; i < experts.size(); i++) {
            String reference = experts.get(i).reference();
            double share = experts.get(i).share();
            aside.println(terminal.legend(i, reference)
                    + " ".repeat(width - reference.length() + 2)
                    + terminal.paint(i, Bar.of(share, BAR_COLUMNS))
                    + String.format(Locale.ROOT, " %5.1f %%", 100 * share));
        }
        aside.println(terminal.paint(Style.DIM, settings()));
    }

    /** How the request was routed, such as {@code arrow, outputs, top_k 3, temperature 1.0}. */
    private String settings() {
        StringBuilder text = new StringBuilder(settings.path("strategy").asString("routed"));
        for (String field : List.of("combine", "top_k", "temperature", "library_digest")) {
            String value = settings.path(field).asString("");
            if (!value.isEmpty()) {
                text.append(", ")
                        .append(field.equals("combine") ? "" : field + " ")
                        .append(value);
            }
        }
        return text.toString();
    }

    private String traceLine(Token token) {
        String shown = Terminal.printable(token.text().replace("\n", "⏎").replace("\t", "⇥"));
        StringBuilder line =
                new StringBuilder(terminal.paint(token.expert(), String.format("%-16s", "'" + shown + "'")));
        for (int i = 0; i < token.shares().size(); i++) {
            String share =
                    String.format(Locale.ROOT, "%6.1f", 100 * token.shares().get(i));
            line.append(i == token.expert() ? terminal.paint(i, share) : share);
        }
        return line + "  "
                + (token.expert() < 0 ? "-" : experts.get(token.expert()).reference());
    }
}
