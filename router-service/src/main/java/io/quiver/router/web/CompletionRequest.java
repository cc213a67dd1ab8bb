package io.quiver.router.web;

import io.quiver.router.CompletionOrder;
import io.quiver.router.Prompt;
import io.quiver.router.ReportSettings;
import io.quiver.router.RoutingWish;
import io.quiver.router.TraceDetail;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A request to one of the two completion routes.
 *
 * @param routing as it stands in the request; null if it has none
 * @param stream whether the answer comes piece by piece
 * @param includeUsage whether a stream ends with a chunk of token counts
 */
record CompletionRequest(CompletionOrder order, @Nullable JsonNode routing, boolean stream, boolean includeUsage) {
    /** Tokens that OpenAI's text completions generate unless told otherwise. */
    private static final int TEXT_TOKENS_MAX_DEFAULT = 16;

    private static final int CHOICES_MAX = 64;
    private static final int TEXT_TOP_LOGPROBS_MAX = 5;
    private static final int CHAT_TOP_LOGPROBS_MAX = 20;

    static CompletionRequest text(JsonNode body) {
        Fields fields = new Fields(body, "");
        Prompt prompt = PromptFields.text(fields);
        UnsupportedFields.ofTexts(fields);
        boolean echo = fields.flag("echo");
        ReportSettings report = new ReportSettings(echo, fields.integer("logprobs", 0, TEXT_TOP_LOGPROBS_MAX));
        // Nothing to generate is a way to have a prompt's own log-probabilities.
        return common(fields, prompt, report, tokensMax(fields, echo ? 0 : 1, TEXT_TOKENS_MAX_DEFAULT));
    }

    static CompletionRequest chat(JsonNode body) {
        Fields fields = new Fields(body, "");
        Prompt prompt = PromptFields.chat(fields);
        UnsupportedFields.ofChats(fields);
        boolean logprobs = fields.flag("logprobs");
        Integer top = fields.integer("top_logprobs", 0, CHAT_TOP_LOGPROBS_MAX);
        if (top != null && !logprobs) {
            fields.refuse("top_logprobs", "needs logprobs to be true");
        }
        ReportSettings report = new ReportSettings(false, logprobs ? Integer.valueOf(top == null ? 0 : top) : null);
        return common(fields, prompt, report, tokensMax(fields, 1, null));
    }

    private static CompletionRequest common(
            Fields fields, Prompt prompt, ReportSettings report, @Nullable Integer tokensMax) {
        UnsupportedFields.ofBoth(fields);
        boolean stream = fields.flag("stream");
        Fields streamOptions = fields.object("stream_options");
        boolean includeUsage = streamOptions != null && streamOptions.flag("include_usage");
        if (streamOptions != null) {
            streamOptions.ignore("include_obfuscation");
            streamOptions.refuseUnknown();
            if (!stream) {
                fields.refuse("stream_options", "needs stream to be true");
            }
        }
        CompletionOrder order = new CompletionOrder(
                fields.requiredText("model"),
                fields.noting(RoutingFields::read, fields.object("routing"), RoutingWish.NONE),
                prompt,
                choices(fields, prompt),
                SamplingFields.sampling(fields),
                SamplingFields.logits(fields),
                tokensMax,
                SamplingFields.stop(fields, tokensMax),
                report,
                fields.whole("seed"));
        fields.refuseUnknown();
        if (order.routing().trace() != TraceDetail.NONE && prompt.count() * order.choices() > 1) {
            fields.refuse("routing.trace", "works for one text, not for several");
        }
        fields.requireNoViolations();
        return new CompletionRequest(order, fields.get("routing"), stream, includeUsage);
    }

    private static int choices(Fields fields, Prompt prompt) {
        Integer n = fields.integer("n", 1, CHOICES_MAX);
        int choices = n == null ? 1 : n;
        if (choices * prompt.count() > CHOICES_MAX) {
            fields.refuse("n", "times the prompts must be " + CHOICES_MAX + " at most");
        }
        // OpenAI generates best_of texts and gives out n of them; here all are given out.
        Integer bestOf = fields.integer("best_of", 1);
        if (bestOf != null && bestOf != choices) {
            fields.unsupported("best_of", node -> false);
        }
        return choices;
    }

    private static @Nullable Integer tokensMax(Fields fields, int min, @Nullable Integer otherwise) {
        Integer completion = fields.integer("max_completion_tokens", min);
        Integer tokens = fields.integer("max_tokens", min);
        if (completion != null) {
            return completion;
        }
        return tokens != null ? tokens : otherwise;
    }
}
