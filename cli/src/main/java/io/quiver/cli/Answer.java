package io.quiver.cli;

import io.quiver.cli.terminal.Bar;
import io.quiver.cli.terminal.Terminal;
import io.quiver.cli.terminal.Terminal.Style;
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
    private final List<JsonNode> tokens = new ArrayList<>();
    private JsonNode routing = MissingNode.getInstance();
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
        JsonNode chunkRouting = chunk.path("routing");
        JsonNode chunkTokens = chunkRouting.path("trace").path("tokens");
        if (chunkRouting.path("experts").isArray()) {
            // The first chunk says which experts there are, the last one everything about all tokens.
            routing = chunkRouting;
            if (!chunkTokens.isEmpty()) {
                tokens.clear();
            }
        }
        chunkTokens.forEach(tokens::add);
        show(choice.path("delta").path("content").asString(""), chunkTokens);
    }

    private void show(String content, JsonNode chunkTokens) {
        if (content.isEmpty()) {
            return;
        }
        text.append(content);
        String shown = terminal.interactive() ? printable(content) : content;
        if (chunkTokens.isEmpty() || !terminal.colour()) {
            terminal.out().print(shown);
        } else {
            colouredAsItCame = true;
            terminal.out().print(terminal.paint(expertIndex(chunkTokens.path(chunkTokens.size() - 1)), shown));
        }
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
        JsonNode experts = routing.path("experts");
        if (experts.isEmpty()) {
            return;
        }
        if (terminal.colour() && !colouredAsItCame && !tokens.isEmpty()) {
            aside.println();
            tokens.forEach(token -> aside.print(terminal.paint(
                    expertIndex(token), printable(token.path("text").asString("")))));
            aside.println();
        }
        aside.println();
        legend(aside, experts);
        if (trace) {
            aside.println();
            tokens.forEach(token -> aside.println(traceLine(token)));
        }
    }

    private void legend(PrintStream aside, JsonNode experts) {
        int width = 0;
        for (JsonNode expert : experts) {
            width = Math.max(width, name(expert).length());
        }
        for (int i = 0; i < experts.size(); i++) {
            JsonNode expert = experts.path(i);
            double share = expert.path("share").asDouble(0);
            aside.println(terminal.paint(i, "■ " + name(expert))
                    + " ".repeat(width - name(expert).length() + 2)
                    + terminal.paint(i, Bar.of(share, BAR_COLUMNS))
                    + String.format(Locale.ROOT, " %5.1f %%", 100 * share));
        }
        aside.println(terminal.paint(Style.DIM, settings()));
    }

    /** How the request was routed, such as {@code arrow, outputs, top_k 3, temperature 1.0}. */
    private String settings() {
        StringBuilder settings = new StringBuilder(routing.path("strategy").asString("routed"));
        for (String field : List.of("combine", "top_k", "temperature", "library_digest")) {
            String value = routing.path(field).asString("");
            if (!value.isEmpty()) {
                settings.append(", ")
                        .append(field.equals("combine") ? "" : field + " ")
                        .append(value);
            }
        }
        return settings.toString();
    }

    private String traceLine(JsonNode token) {
        int expert = expertIndex(token);
        String shown =
                printable(token.path("text").asString("").replace("\n", "⏎").replace("\t", "⇥"));
        StringBuilder line = new StringBuilder(terminal.paint(expert, String.format("%-16s", "'" + shown + "'")));
        JsonNode shares = token.path("shares");
        for (int i = 0; i < shares.size(); i++) {
            String share =
                    String.format(Locale.ROOT, "%6.1f", 100 * shares.path(i).asDouble(0));
            line.append(i == expert ? terminal.paint(i, share) : share);
        }
        return line + "  " + name(routing.path("experts").path(expert));
    }

    /** Where a token's expert stands in the list of experts; it is named with its version only where that is needed. */
    private int expertIndex(JsonNode token) {
        String label = token.path("expert").asString("");
        JsonNode experts = routing.path("experts");
        for (int i = 0; i < experts.size(); i++) {
            JsonNode candidate = experts.path(i);
            if (candidate.path("name").asString("").equals(label)
                    || name(candidate).equals(label)) {
                return i;
            }
        }
        return 0;
    }

    private static String name(JsonNode expert) {
        String version = expert.path("version").asString("");
        return expert.path("name").asString("-") + (version.isEmpty() ? "" : ":" + version);
    }

    /** Text that a model made up must not move the cursor or set the terminal's title. */
    private static String printable(String text) {
        return text.replaceAll("[\\p{Cc}&&[^\n\t]]", "\uFFFD");
    }
}
