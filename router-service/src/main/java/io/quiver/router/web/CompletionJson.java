package io.quiver.router.web;

import io.quiver.router.CompletionEvent.Finished;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes answers in the form of one of the two completion routes.
 *
 * @param id of the completion
 * @param created Unix time in seconds
 * @param model as the request named it
 * @param chat whether it is the chat route's form
 */
record CompletionJson(String id, long created, String model, boolean chat) {

    /**
     * A complete answer.
     *
     * @param texts one per choice
     */
    ObjectNode whole(List<String> texts, List<Finished> ends, ObjectNode routing) {
        ObjectNode answer = envelope(chat ? "chat.completion" : "text_completion");
        for (int i = 0; i < texts.size(); i++) {
            ObjectNode choice = answer.withArray("choices").addObject().put("index", i);
            if (chat) {
                choice.putObject("message").put("role", "assistant").put("content", texts.get(i));
            } else {
                choice.put("text", texts.get(i));
            }
            choice.putNull("logprobs").put("finish_reason", ends.get(i).reason().word());
        }
        answer.set("usage", usage(ends));
        answer.set("routing", routing);
        return answer;
    }

    /** The first chunk of a choice; in a chat it says whose turn it is. */
    ObjectNode first(int choice) {
        ObjectNode chunk = chunk(choice, "");
        if (chat) {
            ((ObjectNode) chunk.path("choices").path(0).path("delta")).put("role", "assistant");
        }
        return chunk;
    }

    ObjectNode chunk(int choice, String text) {
        ObjectNode chunk = envelope(chat ? "chat.completion.chunk" : "text_completion");
        ObjectNode node = chunk.withArray("choices").addObject().put("index", choice);
        if (chat) {
            node.putObject("delta").put("content", text);
        } else {
            node.put("text", text);
        }
        node.putNull("logprobs").putNull("finish_reason");
        return chunk;
    }

    /** The last chunk of a choice. */
    ObjectNode last(Finished end) {
        ObjectNode chunk = chunk(end.choice(), end.text());
        ObjectNode node = (ObjectNode) chunk.path("choices").path(0);
        if (chat && end.text().isEmpty()) {
            node.putObject("delta");
        }
        node.put("finish_reason", end.reason().word());
        return chunk;
    }

    /** The chunk of token counts, which has no choice. */
    ObjectNode usageChunk(List<Finished> ends) {
        ObjectNode chunk = envelope(chat ? "chat.completion.chunk" : "text_completion");
        chunk.set("usage", usage(ends));
        return chunk;
    }

    private ObjectNode envelope(String object) {
        ObjectNode envelope = Json.object()
                .put("id", id)
                .put("object", object)
                .put("created", created)
                .put("model", model);
        envelope.putArray("choices");
        return envelope;
    }

    private static ObjectNode usage(List<Finished> ends) {
        int prompt = ends.stream().mapToInt(Finished::promptTokens).sum();
        int completion = ends.stream().mapToInt(Finished::completionTokens).sum();
        return Json.object()
                .put("prompt_tokens", prompt)
                .put("completion_tokens", completion)
                .put("total_tokens", prompt + completion);
    }
}
