package io.quiver.standalone;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/**
 * A chat completion with the experts that it was made of.
 *
 * @param experts in the router's order
 * @param tokens the tokens of the answer, in order
 */
record RoutedAnswer(String text, List<ExpertShare> experts, List<RoutedToken> tokens) {
    private static final int SHARES_SHOWN = 3;
    private static final double SHARE_SHOWN_MIN = 0.005;

    /** @param share mean coefficient over modules and tokens, 0 to 1 */
    record ExpertShare(String name, double share) {}

    /** @param expert the one with the largest share in the step that predicted the token; empty without experts */
    record RoutedToken(String text, String expert) {}

    RoutedAnswer {
        experts = List.copyOf(experts);
        tokens = List.copyOf(tokens);
    }

    /** Reads the body of a completion that was asked for with {@code trace: "tokens"}. */
    static RoutedAnswer of(JsonNode body) {
        JsonNode routing = body.path("routing");
        var experts = new ArrayList<ExpertShare>();
        routing.path("experts")
                .forEach(expert -> experts.add(new ExpertShare(
                        expert.path("name").asString(""), expert.path("share").asDouble(0))));
        var tokens = new ArrayList<RoutedToken>();
        routing.path("trace")
                .path("tokens")
                .forEach(token -> tokens.add(new RoutedToken(
                        token.path("text").asString(""), token.path("expert").asString(""))));
        return new RoutedAnswer(
                body.path("choices").path(0).path("message").path("content").asString(""), experts, tokens);
    }

    /** The answer, neighbouring tokens of one expert together. */
    String marked(Colours colours) {
        var runs = new ArrayList<Colours.Run>();
        for (RoutedToken token : tokens) {
            if (token.expert().isEmpty() || token.text().isEmpty()) {
                continue;
            }
            String expert = shortName(token.expert());
            int last = runs.size() - 1;
            if (last >= 0 && runs.get(last).expert().equals(expert)) {
                runs.set(last, new Colours.Run(expert, runs.get(last).text() + token.text()));
            } else {
                runs.add(new Colours.Run(expert, token.text()));
            }
        }
        return runs.isEmpty() ? text : colours.mark(runs);
    }

    /** The largest shares, such as {@code reverse-word 81 %, shout 9 %}. */
    String shares(Colours colours) {
        return experts.stream()
                .filter(expert -> expert.share() >= SHARE_SHOWN_MIN)
                .sorted(Comparator.comparingDouble(ExpertShare::share).reversed())
                .limit(SHARES_SHOWN)
                .map(expert -> colours.name(shortName(expert.name()))
                        + String.format(Locale.ROOT, " %.0f %%", 100 * expert.share()))
                .collect(Collectors.joining("  "));
    }

    /** The name without its namespace. */
    static String shortName(String name) {
        return name.substring(name.indexOf('/') + 1);
    }
}
