package io.quiver.router.web;

import io.quiver.decoder.text.ChatMessage;
import io.quiver.router.Prompt;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads what a request wants continued. What cannot be read is noted, and read as something harmless. */
final class PromptFields {
    private static final int PROMPTS_MAX = 16;
    private static final int MESSAGES_MAX = 1000;
    private static final Prompt NOTHING = new Prompt.Texts(List.of(""));

    private PromptFields() {}

    /** A text, several texts, token ids, or several arrays of token ids. */
    static Prompt text(Fields fields) {
        JsonNode prompt = fields.get("prompt");
        if (prompt == null) {
            fields.refuse("prompt", "is missing");
            return NOTHING;
        }
        boolean ofNumbers = prompt.path(0).isNumber();
        boolean ofArrays = prompt.path(0).isArray();
        int count = prompt.isArray() && !ofNumbers ? prompt.size() : 1;
        if (count < 1 || count > PROMPTS_MAX) {
            fields.refuse("prompt", "must hold 1 to " + PROMPTS_MAX + " prompts, but holds " + count);
            return NOTHING;
        }
        if (!ofNumbers && !ofArrays) {
            List<String> texts = fields.texts("prompt");
            return texts == null ? NOTHING : new Prompt.Texts(texts);
        }
        List<int[]> tokens = new ArrayList<>();
        for (JsonNode array : ofNumbers ? List.of(prompt) : prompt) {
            int[] ids = ids(array);
            if (ids == null) {
                fields.refuse("prompt", "must be strings, token ids, or arrays of token ids, not a mixture");
                return NOTHING;
            }
            tokens.add(ids);
        }
        return new Prompt.Tokens(tokens);
    }

    /** @return null if these are no token ids // (tokens) */
    private static int @Nullable [] ids(JsonNode array) {
        int[] ids = new int[array.size()];
        for (int i = 0; i < ids.length; i++) {
            JsonNode id = array.path(i);
            if (!id.isIntegralNumber() || !id.canConvertToInt()) {
                return null;
            }
            ids[i] = id.asInt();
        }
        return array.isArray() ? ids : null;
    }

    static Prompt chat(Fields fields) {
        JsonNode messages = fields.get("messages");
        if (messages == null || !messages.isArray() || messages.isEmpty()) {
            fields.refuse("messages", "must be an array of at least one message");
            return NOTHING;
        }
        if (messages.size() > MESSAGES_MAX) {
            fields.refuse("messages", "takes " + MESSAGES_MAX + " messages at most");
            return NOTHING;
        }
        List<ChatMessage> result = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            JsonNode message = messages.path(i);
            if (!message.isObject()) {
                fields.refuse("messages", "must hold objects only");
                return NOTHING;
            }
            result.add(message(fields.inside(message, "messages[" + i + "]")));
        }
        return new Prompt.Chat(result);
    }

    private static ChatMessage message(Fields parts) {
        String role = parts.requiredText("role");
        String content = content(parts);
        parts.ignore("name");
        UnsupportedFields.ofMessages(parts);
        parts.refuseUnknown();
        return new ChatMessage(role, content);
    }

    /** A string, or parts of type text, which are put together. */
    private static String content(Fields message) {
        JsonNode content = message.get("content");
        if (content == null || !(content.isString() || content.isArray())) {
            message.refuse("content", "must be a string or an array of text parts");
            return "";
        }
        if (content.isString()) {
            return content.asString();
        }
        StringBuilder text = new StringBuilder();
        for (JsonNode part : content) {
            if (!"text".equals(part.path("type").asString(""))
                    || !part.path("text").isString()) {
                message.refuse("content", "takes parts of type text only");
                return "";
            }
            text.append(part.path("text").asString());
        }
        return text.toString();
    }
}
