package io.quiver.router.web;

import io.quiver.router.CompletionEvent.Finished;
import io.quiver.router.TokenLogprob;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes answers in the form of one of the two completion routes.
 *
 * @param id of the completion
 * @param created Unix time in seconds
 * @param model as the request named it
 * @param request that is answered
 * @param chat whether it is the chat route's form
 */
record CompletionJson(String id, long created, String model, CompletionRequest request, boolean chat) {

    /** A complete answer, without what is this router's own. */
    ObjectNode whole(Gathered gathered) {
        ObjectNode answer = envelope(chat ? "chat.completion" : "text_completion");
        for (int i = 0; i < gathered.texts().size(); i++) {
            ObjectNode choice = answer.withArray("choices").addObject().put("index", i);
            String text = gathered.texts().get(i);
            if (chat) {
                choice.putObject("message")
                        .put("role", "assistant")
                        .put("content", text)
                        .putNull("refusal");
            } else {
                choice.put("text", text);
            }
            putLogprobs(choice, gathered.logprobs().get(i));
            choice.put("finish_reason", gathered.ends().get(i).reason().word());
        }
        answer.set("usage", usage(gathered.ends()));
        return answer;
    }

    private void putLogprobs(ObjectNode choice, List<TokenLogprob> logprobs) {
        if (request.order().report().topLogprobs() == null) {
            choice.putNull("logprobs");
        } else {
            choice.set("logprobs", chat ? LogprobsJson.chat(logprobs) : LogprobsJson.text(logprobs));
        }
    }

    /** The first chunk of a choice; in a chat it says whose turn it is. */
    ObjectNode first(int choice) {
        ObjectNode chunk = chunk(choice, "");
        if (chat) {
            ((ObjectNode) chunk.path("choices").path(0).path("delta")).put("role", "assistant");
        }
        return chunk;
    }

    /** A chunk with tokens. */
    ObjectNode chunk(int choice, String text, List<TokenLogprob> logprobs) {
        ObjectNode chunk = chunk(choice, text);
        if (!logprobs.isEmpty()) {
            putLogprobs((ObjectNode) chunk.path("choices").path(0), logprobs);
        }
        return chunk;
    }

    private ObjectNode chunk(int choice, String text) {
        ObjectNode chunk = chunk();
        ObjectNode node = chunk.withArray("choices").addObject().put("index", choice);
        if (chat) {
            node.putObject("delta").put("content", text);
        } else {
            node.put("text", text);
        }
        node.putNull("logprobs").putNull("finish_reason");
        if (request.includeUsage()) {
            chunk.putNull("usage");
        }
        return chunk;
    }

    private ObjectNode chunk() {
        return envelope(chat ? "chat.completion.chunk" : "text_completion");
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
        ObjectNode chunk = chunk();
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

    /** A prompt counts once, however many choices it has. */
    private ObjectNode usage(List<Finished> ends) {
        int prompt = ends.stream()
                .filter(end -> end.choice() % request.order().choices() == 0)
                .mapToInt(Finished::promptTokens)
                .sum();
        int completion = ends.stream().mapToInt(Finished::completionTokens).sum();
        return Json.object()
                .put("prompt_tokens", prompt)
                .put("completion_tokens", completion)
                .put("total_tokens", prompt + completion);
    }
}
