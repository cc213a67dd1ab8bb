package io.quiver.standalone;

import io.quiver.client.Routing;
import io.quiver.client.Routing.Expert;
import io.quiver.client.Routing.Token;
import io.quiver.terminal.Terminal;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;

/** A chat completion with the experts that it was made of, shown to people. */
record RoutedAnswer(String text, Routing routing) {
    private static final int SHARES_SHOWN = 3;
    private static final double SHARE_SHOWN_MIN = 0.005;

    /** Reads the body of a completion that was asked for with {@code trace: "tokens"}. */
    static RoutedAnswer of(JsonNode body) {
        return new RoutedAnswer(
                body.path("choices").path(0).path("message").path("content").asString(""),
                Routing.of(body.path("routing")));
    }

    /** The answer, each token in the colour of its expert, or each run of one expert's tokens behind its name in brackets. */
    String marked(Terminal terminal) {
        var marked = new StringBuilder();
        int before = -1;
        for (Token token : routing.tokens()) {
            if (token.expert() < 0 || token.text().isEmpty()) {
                continue;
            }
            if (!terminal.colour() && token.expert() != before) {
                marked.append('[').append(shortName(token.expert())).append(']');
            }
            marked.append(terminal.paint(token.expert(), Terminal.printable(token.text())));
            before = token.expert();
        }
        return marked.length() == 0 ? Terminal.printable(text) : marked.toString();
    }

    /** The largest shares, such as {@code ■ reverse-word 81 %  ■ shout 9 %}. */
    String shares(Terminal terminal) {
        List<Expert> experts = routing.experts();
        return IntStream.range(0, experts.size())
                .boxed()
                .filter(i -> experts.get(i).share() >= SHARE_SHOWN_MIN)
                .sorted(Comparator.comparingDouble(i -> -experts.get(i).share()))
                .limit(SHARES_SHOWN)
                .map(i -> name(terminal, i)
                        + String.format(
                                Locale.ROOT, " %.0f %%", 100 * experts.get(i).share()))
                .collect(Collectors.joining("  "));
    }

    /** The names of all experts in their colours. */
    String legend(Terminal terminal) {
        return IntStream.range(0, routing.experts().size())
                .mapToObj(i -> name(terminal, i))
                .collect(Collectors.joining("  "));
    }

    private String name(Terminal terminal, int expert) {
        return terminal.colour() ? terminal.legend(expert, shortName(expert)) : shortName(expert);
    }

    /** The name without its namespace. */
    private String shortName(int expert) {
        String name = routing.experts().get(expert).name();
        return name.substring(name.indexOf('/') + 1);
    }
}
