package io.quiver.cli.verify;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/**
 * A prompt with what follows it.
 *
 * @param ids what the model gets // (tokens)
 * @param text encodes to the ids without special tokens; empty if not given
 * @param greedy the continuation by argmax, empty if not given // (steps)
 */
record ReferencePrompt(int[] ids, String text, int[] greedy) {
    /**
     * The prompts of an {@code expected.json} or {@code case.json}.
     *
     * @throws IllegalArgumentException if there are none or one has no ids
     */
    static List<ReferencePrompt> of(JsonNode json) {
        List<ReferencePrompt> prompts = new ArrayList<>();
        for (JsonNode prompt : json.path("prompts")) {
            int[] ids = ints(prompt.path("ids"), "ids");
            if (ids.length == 0) {
                throw new IllegalArgumentException("a prompt has no ids");
            }
            prompts.add(
                    new ReferencePrompt(ids, prompt.path("text").asString(""), ints(prompt.path("greedy"), "greedy")));
        }
        if (prompts.isEmpty()) {
            throw new IllegalArgumentException("there are no prompts");
        }
        return prompts;
    }

    /** For messages. */
    String label() {
        return "the prompt of " + ids.length + " tokens";
    }

    /** @return empty if there is no array // (length) */
    static int[] ints(JsonNode array, String what) {
        int[] values = new int[array.size()];
        for (int i = 0; i < values.length; i++) {
            if (!array.path(i).isIntegralNumber()) {
                throw new IllegalArgumentException(what + " must be integers, but one is " + array.path(i));
            }
            values[i] = array.path(i).intValue();
        }
        return values;
    }
}
