package io.quiver.client;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;
import tools.jackson.databind.JsonNode;

/**
 * How an answer was routed: what the router says in {@code routing}.
 *
 * @param experts in the router's order
 * @param tokens the answer's tokens in order, if a trace was asked for
 */
public record Routing(List<Expert> experts, List<Token> tokens) {
    public Routing {
        experts = List.copyOf(experts);
        tokens = List.copyOf(tokens);
    }

    /**
     * An expert of an answer.
     *
     * @param version empty if the router names none
     * @param share mean coefficient over modules and tokens, 0 to 1
     */
    public record Expert(String name, String version, double share) {
        /** Such as {@code team/sql:3}. */
        public String reference() {
            return version.isEmpty() ? name : name + ":" + version;
        }
    }

    /**
     * A token of an answer.
     *
     * @param id in the base model's vocabulary
     * @param expert where the expert with the largest share in the step that predicted the token stands among the experts;
     *     -1 if none is named
     * @param shares each expert's mean coefficient over the modules in that step // (experts)
     */
    public record Token(int id, String text, int expert, List<Double> shares) {
        public Token {
            shares = List.copyOf(shares);
        }
    }

    /** Reads the {@code routing} of a completion; what it does not say is empty. */
    public static Routing of(JsonNode routing) {
        List<Expert> experts = new ArrayList<>();
        for (JsonNode expert : routing.path("experts")) {
            experts.add(new Expert(
                    expert.path("name").asString(""),
                    expert.path("version").asString(""),
                    expert.path("share").asDouble(0)));
        }
        return new Routing(experts, tokens(routing, experts));
    }

    /** Reads the tokens that a later chunk of a streamed answer brings, made by the experts that the first chunk named. */
    public static List<Token> tokens(JsonNode routing, List<Expert> experts) {
        List<Token> tokens = new ArrayList<>();
        for (JsonNode token : routing.path("trace").path("tokens")) {
            tokens.add(new Token(
                    token.path("token").asInt(-1),
                    token.path("text").asString(""),
                    indexOf(token.path("expert").asString(""), experts),
                    StreamSupport.stream(token.path("shares").spliterator(), false)
                            .map(share -> share.asDouble(0))
                            .toList()));
        }
        return tokens;
    }

    /** The trace names an expert with its version only where the name alone would not do. */
    private static int indexOf(String label, List<Expert> experts) {
        for (int i = 0; i < experts.size(); i++) {
            if (experts.get(i).name().equals(label)
                    || experts.get(i).reference().equals(label)) {
                return i;
            }
        }
        return -1;
    }
}
