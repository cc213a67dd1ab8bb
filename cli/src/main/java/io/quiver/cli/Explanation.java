package io.quiver.cli;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;

/**
 * What a router says of how it would route a prompt.
 *
 * @param strategy such as {@code evidence}
 * @param settings what was decided by, in words for people; empty if there is nothing to say
 * @param experts of the library, the leading one first
 * @param tokens of the prompt, those that count
 */
record Explanation(String strategy, String settings, List<Expert> experts, List<Token> tokens) {
    Explanation {
        experts = List.copyOf(experts);
        tokens = List.copyOf(tokens);
    }

    /**
     * An expert of the library.
     *
     * @param says what speaks for it, in words for people
     * @param answers whether it was chosen, or may be at some token
     */
    record Expert(String name, String says, boolean answers) {}

    /**
     * A token of the prompt.
     *
     * @param values evidence, or the share, of each expert // (experts)
     */
    record Token(String text, List<Double> values) {
        Token {
            values = List.copyOf(values);
        }
    }

    /** Reads the body of an explanation with one variant. */
    static Explanation of(JsonNode body) {
        JsonNode variant = body.path("variants").path(0);
        return variant.path("evidence").isObject()
                ? byEvidence(variant.path("routing"), variant.path("evidence"))
                : byShares(variant, body.path("tokens"));
    }

    private static Explanation byEvidence(JsonNode routing, JsonNode evidence) {
        JsonNode decision = routing.path("decisions").path(0);
        List<String> labels = texts(evidence.path("experts"));
        List<String> chosen = texts(decision.path("chosen"));
        List<Integer> order = new ArrayList<>();
        List<Expert> experts = new ArrayList<>();
        for (JsonNode ranked : decision.path("ranking")) {
            String name = ranked.path("name").asString("");
            String reference = name + ":" + ranked.path("version").asString("");
            String label = labels.contains(reference) ? reference : name;
            if (!labels.contains(label)) {
                continue;
            }
            order.add(labels.indexOf(label));
            String place = chosen.contains(label)
                    ? "chosen"
                    : label.equals(decision.path("runner_up").asString(""))
                            ? "runner-up"
                            : label.equals(decision.path("best").asString("")) ? "best, but does not stand out" : "";
            experts.add(new Expert(
                    reference, figures(ranked) + (place.isEmpty() ? "" : "  " + place), chosen.contains(label)));
        }
        List<Token> tokens = new ArrayList<>();
        int first = evidence.path("first_token").asInt(0);
        for (int t = first; t < evidence.path("tokens").size(); t++) {
            JsonNode token = evidence.path("tokens").path(t);
            tokens.add(token(token.path("text"), token.path("evidence"), order));
        }
        String settings = String.format(
                Locale.ROOT,
                "threshold of stand-out %.2f%s",
                decision.path("threshold").asDouble(0),
                chosen.isEmpty() ? ": nobody reaches it, the base answers alone" : "");
        return new Explanation(routing.path("strategy").asString(""), settings, experts, tokens);
    }

    private static String figures(JsonNode ranked) {
        String figures = String.format(
                Locale.ROOT,
                "score %.2f  stand-out %.2f",
                ranked.path("score").asDouble(0),
                ranked.path("stand_out").asDouble(0));
        return ranked.has("similarity")
                ? figures
                        + String.format(
                                Locale.ROOT,
                                "  examples %.2f  fit %.2f",
                                ranked.path("similarity").asDouble(0),
                                ranked.path("fit").asDouble(0))
                : figures;
    }

    /** Where every token and module decides anew: the mean share of each expert. */
    private static Explanation byShares(JsonNode variant, JsonNode prompt) {
        JsonNode routing = variant.path("routing");
        List<Expert> unordered = new ArrayList<>();
        List<Double> shares = new ArrayList<>();
        for (JsonNode expert : routing.path("experts")) {
            double share = expert.path("share").asDouble(0);
            shares.add(share);
            unordered.add(new Expert(
                    expert.path("name").asString("") + ":"
                            + expert.path("version").asString(""),
                    String.format(Locale.ROOT, "%.1f %% of the prompt", 100 * share),
                    share > 0));
        }
        List<Integer> order = IntStream.range(0, unordered.size())
                .boxed()
                .sorted(Comparator.comparing((Integer i) -> -shares.get(i)))
                .toList();
        List<Token> tokens = new ArrayList<>();
        for (int t = 0; t < prompt.size(); t++) {
            tokens.add(token(
                    prompt.path(t).path("text"), variant.path("tokens").path(t).path("shares"), order));
        }
        return new Explanation(
                routing.path("strategy").asString(""),
                "",
                order.stream().map(unordered::get).toList(),
                tokens);
    }

    private static Token token(JsonNode text, JsonNode values, List<Integer> order) {
        return new Token(
                text.asString(""),
                order.stream().map(i -> values.path(i).asDouble(0)).toList());
    }

    private static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(text -> texts.add(text.asString("")));
        return texts;
    }

    /** The same with tokens joined to words: a word begins with a space, and its value is the mean of its tokens'. */
    List<Token> words() {
        List<Token> words = new ArrayList<>();
        List<Token> word = new ArrayList<>();
        for (Token token : tokens) {
            if (!word.isEmpty()
                    && beginsWord(token.text(), word.get(word.size() - 1).text())) {
                words.add(joined(word));
                word.clear();
            }
            word.add(token);
        }
        if (!word.isEmpty()) {
            words.add(joined(word));
        }
        return words;
    }

    /** Marks of a template, such as {@code <|im_end|>}, are words of their own. */
    private static boolean beginsWord(String text, String before) {
        return text.isEmpty()
                || Character.isWhitespace(text.charAt(0))
                || text.startsWith("<|")
                || before.endsWith("|>")
                || before.endsWith("\n");
    }

    private static Token joined(List<Token> tokens) {
        StringBuilder text = new StringBuilder();
        tokens.forEach(token -> text.append(token.text()));
        List<Double> means = new ArrayList<>();
        for (int e = 0; e < tokens.get(0).values().size(); e++) {
            int expert = e;
            means.add(tokens.stream()
                    .mapToDouble(token -> token.values().get(expert))
                    .average()
                    .orElseThrow());
        }
        return new Token(text.toString(), means);
    }
}
