package io.quiver.cli.eval;

import io.quiver.client.Routing;
import io.quiver.client.Routing.Expert;
import tools.jackson.databind.JsonNode;

/**
 * How a question was answered.
 *
 * @param text the answer
 * @param ended whether the text ended by itself
 * @param chosen the adapter with the largest share, {@link #BASE} if none had any, {@link #NOBODY} if several had the largest
 * @param elapsedMillis from sending the question until its answer was there
 * @param routing as the router said it
 */
public record Answered(
        Question question, String text, boolean ended, String chosen, long elapsedMillis, JsonNode routing) {
    /** The base model, as a thing that can be chosen. */
    public static final String BASE = "base";
    /** What is chosen by those who give everybody the same. */
    public static final String NOBODY = "";

    static Answered of(Question question, JsonNode completion, long elapsedMillis) {
        JsonNode choice = completion.path("choices").path(0);
        JsonNode routing = completion.path("routing");
        return new Answered(
                question,
                choice.path("message").path("content").asString(""),
                choice.path("finish_reason").asString("").equals("stop"),
                chosen(Routing.of(routing)),
                elapsedMillis,
                routing);
    }

    private static String chosen(Routing routing) {
        String chosen = BASE;
        double largest = 0;
        for (Expert expert : routing.experts()) {
            if (expert.share() > largest) {
                largest = expert.share();
                chosen = expert.reference();
            } else if (expert.share() == largest && largest > 0) {
                chosen = NOBODY;
            }
        }
        return chosen;
    }

    /** Whether the text is the answer, letter by letter. */
    boolean isExact() {
        return question.hasAnswer() && ended && text.equals(question.answer());
    }
}
