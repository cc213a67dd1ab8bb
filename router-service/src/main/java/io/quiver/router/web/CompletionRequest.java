package io.quiver.router.web;

import io.quiver.decoder.text.ChatMessage;
import io.quiver.router.CompletionOrder;
import io.quiver.router.Prompt;
import io.quiver.router.SamplingSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A request to one of the two completion routes.
 *
 * @param stream whether the answer comes piece by piece
 * @param includeUsage whether a stream ends with a chunk of token counts
 */
record CompletionRequest(CompletionOrder order, boolean stream, boolean includeUsage) {
    /** Tokens that OpenAI's text completions generate unless told otherwise. */
    private static final int TEXT_TOKENS_MAX_DEFAULT = 16;

    private static final int STOPS_MAX = 4;
    private static final int STOP_CHARS_MAX = 1000;
    private static final int PROMPTS_MAX = 16;
    private static final int MESSAGES_MAX = 1000;
    private static final double TEMPERATURE_MAX = 100;

    private static final List<String> HARMLESS =
            List.of("user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key");

    static CompletionRequest text(JsonNode body) {
        Fields fields = new Fields(body, "");
        Prompt prompt = textPrompt(fields);
        fields.unsupported("suffix", JsonNode::isNull);
        fields.unsupported("echo", isFalse());
        fields.unsupported("best_of", is(1));
        fields.unsupported("logprobs", JsonNode::isNull);
        return common(fields, prompt, TEXT_TOKENS_MAX_DEFAULT);
    }

    static CompletionRequest chat(JsonNode body) {
        Fields fields = new Fields(body, "");
        Prompt prompt = new Prompt.Chat(messages(fields));
        fields.unsupported("logprobs", isFalse());
        fields.unsupported("top_logprobs", JsonNode::isNull);
        fields.unsupported("tools", isEmpty());
        fields.unsupported("functions", isEmpty());
        fields.unsupported("tool_choice", isWord("none").or(isWord("auto")));
        fields.unsupported("function_call", isWord("none").or(isWord("auto")));
        fields.ignore("parallel_tool_calls");
        fields.unsupported(
                "response_format", node -> "text".equals(node.path("type").asString("")));
        fields.unsupported(
                "modalities",
                node -> node.size() == 1 && "text".equals(node.path(0).asString("")));
        return common(fields, prompt, null);
    }

    private static CompletionRequest common(Fields fields, Prompt prompt, @Nullable Integer tokensMaxDefault) {
        fields.unsupported("n", is(1));
        fields.unsupported("presence_penalty", is(0));
        fields.unsupported("frequency_penalty", is(0));
        fields.unsupported("repetition_penalty", is(1));
        fields.unsupported("min_p", is(0));
        fields.unsupported("min_tokens", is(0));
        fields.unsupported("logit_bias", isEmpty());
        fields.unsupported("ignore_eos", isFalse());
        HARMLESS.forEach(fields::ignore);
        boolean stream = fields.flag("stream");
        Fields streamOptions = fields.object("stream_options");
        boolean includeUsage = streamOptions != null && streamOptions.flag("include_usage");
        if (streamOptions != null) {
            streamOptions.ignore("include_obfuscation");
            streamOptions.refuseUnknown();
        }
        CompletionOrder order = new CompletionOrder(
                fields.requiredText("model"),
                RoutingFields.read(fields.object("routing")),
                prompt,
                sampling(fields),
                tokensMax(fields, tokensMaxDefault),
                stops(fields),
                fields.whole("seed"));
        fields.refuseUnknown();
        return new CompletionRequest(order, stream, includeUsage);
    }

    private static SamplingSettings sampling(Fields fields) {
        Double temperature = fields.number("temperature", 0, TEMPERATURE_MAX);
        Double topP = fields.number("top_p", Double.MIN_VALUE, 1);
        Integer topK = fields.integer("top_k", -1);
        SamplingSettings defaults = SamplingSettings.DEFAULT;
        return new SamplingSettings(
                temperature == null ? defaults.temperature() : temperature,
                topP == null ? defaults.topP() : topP,
                // Other servers write "all" as -1 or 0.
                topK == null ? defaults.topK() : Math.max(topK, 0));
    }

    private static @Nullable Integer tokensMax(Fields fields, @Nullable Integer otherwise) {
        Integer completion = fields.integer("max_completion_tokens", 1);
        Integer tokens = fields.integer("max_tokens", 1);
        if (completion != null) {
            return completion;
        }
        return tokens != null ? tokens : otherwise;
    }

    private static List<String> stops(Fields fields) {
        List<String> stops = fields.texts("stop");
        if (stops == null) {
            return List.of();
        }
        if (stops.size() > STOPS_MAX) {
            throw fields.invalid("stop", "takes " + STOPS_MAX + " strings at most");
        }
        if (stops.stream().anyMatch(stop -> stop.isEmpty() || stop.length() > STOP_CHARS_MAX)) {
            throw fields.invalid("stop", "takes strings of 1 to " + STOP_CHARS_MAX + " characters");
        }
        return stops;
    }

    private static Prompt textPrompt(Fields fields) {
        JsonNode prompt = fields.get("prompt");
        if (prompt == null) {
            throw fields.invalid("prompt", "is missing");
        }
        boolean ofNumbers = prompt.path(0).isNumber();
        boolean ofArrays = prompt.path(0).isArray();
        if (!ofNumbers && !ofArrays) {
            List<String> texts = fields.texts("prompt");
            requirePromptCount(fields, texts == null ? 0 : texts.size());
            return new Prompt.Texts(texts == null ? List.of() : texts);
        }
        List<int[]> tokens = new ArrayList<>();
        if (ofNumbers) {
            tokens.add(ids(fields, prompt));
        } else {
            requirePromptCount(fields, prompt.size());
            prompt.forEach(ids -> tokens.add(ids(fields, ids)));
        }
        return new Prompt.Tokens(tokens);
    }

    private static void requirePromptCount(Fields fields, int count) {
        if (count < 1 || count > PROMPTS_MAX) {
            throw fields.invalid("prompt", "must hold 1 to " + PROMPTS_MAX + " prompts, but holds " + count);
        }
    }

    private static int[] ids(Fields fields, JsonNode array) {
        int[] ids = new int[array.size()];
        for (int i = 0; i < ids.length; i++) {
            JsonNode id = array.path(i);
            if (!id.isIntegralNumber() || !id.canConvertToInt()) {
                throw fields.invalid("prompt", "must be strings, token ids, or arrays of token ids, not a mixture");
            }
            ids[i] = id.asInt();
        }
        return ids;
    }

    private static List<ChatMessage> messages(Fields fields) {
        JsonNode messages = fields.get("messages");
        if (messages == null || !messages.isArray() || messages.isEmpty()) {
            throw fields.invalid("messages", "must be an array of at least one message");
        }
        if (messages.size() > MESSAGES_MAX) {
            throw fields.invalid("messages", "takes " + MESSAGES_MAX + " messages at most");
        }
        List<ChatMessage> result = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            JsonNode message = messages.path(i);
            if (!message.isObject()) {
                throw fields.invalid("messages", "must hold objects only");
            }
            Fields parts = new Fields(message, "messages[" + i + "].");
            String role = parts.requiredText("role");
            String content = content(parts);
            parts.ignore("name");
            parts.unsupported("tool_calls", isEmpty());
            parts.unsupported("tool_call_id", JsonNode::isNull);
            parts.refuseUnknown();
            result.add(new ChatMessage(role, content));
        }
        return result;
    }

    /** A string, or parts of type text, which are put together. */
    private static String content(Fields message) {
        JsonNode content = message.get("content");
        if (content == null || !(content.isString() || content.isArray())) {
            throw message.invalid("content", "must be a string or an array of text parts");
        }
        if (content.isString()) {
            return content.asString();
        }
        StringBuilder text = new StringBuilder();
        for (JsonNode part : content) {
            if (!"text".equals(part.path("type").asString(""))
                    || !part.path("text").isString()) {
                throw message.invalid("content", "takes parts of type text only");
            }
            text.append(part.path("text").asString());
        }
        return text.toString();
    }

    private static Predicate<JsonNode> is(double value) {
        return node -> node.isNumber() && node.asDouble() == value;
    }

    private static Predicate<JsonNode> isWord(String word) {
        return node -> node.isString() && node.asString().equals(word);
    }

    private static Predicate<JsonNode> isFalse() {
        return node -> node.isBoolean() && !node.asBoolean();
    }

    private static Predicate<JsonNode> isEmpty() {
        return node -> node.isContainer() && node.isEmpty();
    }
}
