package io.quiver.cli.verify;

import io.quiver.decoder.text.ChatMessage;
import io.quiver.decoder.text.ChatTemplate;
import io.quiver.decoder.text.ChatTemplateFile;
import io.quiver.decoder.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** Texts and their ids, both ways, and a rendered chat. */
record TokenizerCase(ReferenceFolder folder, String name) implements VerifyCase {
    @Override
    public Outcome run() throws IOException {
        JsonNode json = folder.json(name);
        Path model = folder.resolve(json.path("tokenizer").asString(""));
        Findings findings = new Findings();
        try (Tokenizer tokenizer = Tokenizer.open(model)) {
            for (JsonNode text : json.path("cases")) {
                compare(tokenizer, text, findings);
            }
            if (json.path("chat").isObject()) {
                compareChat(model, tokenizer, json.path("chat"), findings);
            }
        }
        return findings.outcome();
    }

    private static void compare(Tokenizer tokenizer, JsonNode json, Findings findings) {
        String text = json.path("text").asString("");
        int[] ids = ReferencePrompt.ints(json.path("ids"), "ids");
        encoded(tokenizer, text, false, ids, findings);
        if (json.has("ids_with_special")) {
            encoded(tokenizer, text, true, ReferencePrompt.ints(json.path("ids_with_special"), "ids"), findings);
        }
        if (json.has("decoded")) {
            decoded(tokenizer.decode(ids, true), json.path("decoded").asString(""), findings);
        }
        if (json.has("decoded_with_special")) {
            decoded(
                    tokenizer.decode(ids, false),
                    json.path("decoded_with_special").asString(""),
                    findings);
        }
    }

    private static void encoded(Tokenizer tokenizer, String text, boolean special, int[] expected, Findings findings) {
        int[] found = tokenizer.encode(text, special);
        findings.equal(
                "texts encoded",
                Arrays.equals(found, expected),
                1,
                quoted(text) + (special ? " with special tokens" : "") + " gives " + Arrays.toString(found)
                        + ", expected " + Arrays.toString(expected));
    }

    private static void decoded(String found, String expected, Findings findings) {
        findings.equal("texts decoded", found.equals(expected), 1, quoted(found) + " instead of " + quoted(expected));
    }

    /** Renders a conversation and encodes it; both must be as expected. */
    static void compareChat(Path model, Tokenizer tokenizer, JsonNode chat, Findings findings) {
        Optional<ChatTemplate> template = ChatTemplateFile.read(model);
        if (template.isEmpty()) {
            findings.equal("chats", false, 0, "the model folder has no chat template");
            return;
        }
        List<ChatMessage> messages = new ArrayList<>();
        chat.path("messages")
                .forEach(message -> messages.add(new ChatMessage(
                        message.path("role").asString(""),
                        message.path("content").asString(""))));
        String rendered = template.get()
                .render(messages, chat.path("add_generation_prompt").asBoolean(false));
        String expected = chat.path("text").asString("");
        findings.equal("chats", rendered.equals(expected), 1, quoted(rendered) + " instead of " + quoted(expected));
        if (chat.has("ids")) {
            int[] ids = tokenizer.encode(expected, false);
            findings.equal(
                    "chats encoded",
                    Arrays.equals(ids, ReferencePrompt.ints(chat.path("ids"), "ids")),
                    1,
                    "the chat gives " + Arrays.toString(ids));
        }
    }

    private static String quoted(String text) {
        return "'" + text.replace("\n", "\\n") + "'";
    }
}
