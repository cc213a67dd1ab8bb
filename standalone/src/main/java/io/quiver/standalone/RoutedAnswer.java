package io.quiver.standalone;

import io.quiver.client.Routing;
import io.quiver.client.Routing.Expert;
import io.quiver.terminal.Terminal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * A chat completion that was routed by evidence, shown to people.
 *
 * @param strategy by which the router chose
 * @param librarySize number of experts that it chose among
 * @param chosen name of the expert that answered; empty if the base did
 * @param ranking experts and how much speaks for each, the best first; empty if the strategy has no such thing
 * @param threshold what the best one's stand-out has to reach
 */
record RoutedAnswer(
        String text,
        String strategy,
        int librarySize,
        Optional<String> chosen,
        List<Candidate> ranking,
        double threshold) {
    private static final String EVIDENCE = "evidence";
    private static final int CANDIDATES_SHOWN = 3;

    RoutedAnswer {
        ranking = List.copyOf(ranking);
    }

    /** An expert that might have answered. */
    record Candidate(String name, double score, double standOut) {}

    /** Reads the body of a completion. */
    static RoutedAnswer of(JsonNode body) {
        JsonNode routing = body.path("routing");
        JsonNode decision = routing.path("decisions").path(0);
        List<Candidate> ranking = new ArrayList<>();
        for (JsonNode candidate : decision.path("ranking")) {
            ranking.add(new Candidate(
                    candidate.path("name").asString(""),
                    candidate.path("score").asDouble(0),
                    candidate.path("stand_out").asDouble(0)));
        }
        return new RoutedAnswer(
                body.path("choices").path(0).path("message").path("content").asString(""),
                routing.path("strategy").asString(""),
                routing.path("library_size").asInt(0),
                Routing.of(routing).experts().stream().findFirst().map(Expert::name),
                ranking,
                decision.path("threshold").asDouble(0));
    }

    /** Whether evidence chose among so many experts. */
    boolean isByEvidenceAmong(int experts) {
        return strategy.equals(EVIDENCE) && librarySize == experts;
    }

    /** The answer in its expert's colour, as it is if the base gave it. */
    String painted(Terminal terminal, List<String> library) {
        return terminal.paint(chosen.map(library::indexOf).orElse(-1), Terminal.printable(text));
    }

    /** Who answered and what spoke for the best, such as {@code shout 6.1, plural 1.3, reverse-word 0.2}. */
    String reasons(Terminal terminal, List<String> library) {
        var reasons = new StringBuilder();
        for (Candidate candidate : ranking.subList(0, Math.min(CANDIDATES_SHOWN, ranking.size()))) {
            reasons.append(reasons.isEmpty() ? "" : "  ")
                    .append(terminal.paint(library.indexOf(candidate.name()), shortName(candidate.name())))
                    .append(String.format(Locale.ROOT, " %.1f", candidate.score()));
        }
        if (chosen.isEmpty() && !ranking.isEmpty()) {
            reasons.append(String.format(
                    Locale.ROOT,
                    "  (stands out by %.1f of %.1f: the base answered)",
                    ranking.get(0).standOut(),
                    threshold));
        }
        return reasons.toString();
    }

    /** The name without its namespace. */
    private static String shortName(String name) {
        return name.substring(name.indexOf('/') + 1);
    }
}
