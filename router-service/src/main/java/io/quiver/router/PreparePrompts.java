package io.quiver.router;

import io.quiver.decoder.evidence.UserTurn;
import io.quiver.decoder.text.ChatMessage;
import io.quiver.decoder.text.ChatTemplate;
import io.quiver.decoder.text.ChatTemplateException;
import io.quiver.decoder.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** Turns what a request wants continued into tokens of one model, and finds where the words of its current turn begin. */
final class PreparePrompts {
    private static final String USER = "user";

    /** Words that have no beginning in common: what comes before them is there for any words. */
    private static final List<String> UNLIKE = List.of("a", "7");

    private final ServedModel model;

    PreparePrompts(ServedModel model) {
        this.model = model;
    }

    /**
     * A prompt in the model's own terms.
     *
     * @param tokens ids // (tokens)
     * @param text as the request gave it, or what its tokens say
     */
    record ReadyPrompt(int[] tokens, String text) {}

    /** @throws RequestRefusedException if the model cannot read it */
    List<ReadyPrompt> prepare(Prompt prompt) {
        Tokenizer tokenizer = model.tokenizer();
        if (prompt instanceof Prompt.Texts texts) {
            return texts.texts().stream()
                    .map(text -> new ReadyPrompt(tokenizer.encode(text, true), text))
                    .toList();
        }
        if (prompt instanceof Prompt.Tokens tokens) {
            return tokens.texts().stream()
                    .map(ids -> {
                        requireVocabulary(Arrays.stream(ids).boxed().toList(), "prompt");
                        return new ReadyPrompt(ids, tokenizer.decode(ids, true));
                    })
                    .toList();
        }
        if (prompt instanceof Prompt.Chat chat) {
            String text = rendered(chat.messages());
            return List.of(new ReadyPrompt(tokenizer.encode(text, false), text));
        }
        throw new IllegalStateException("unknown prompt " + prompt);
    }

    private String rendered(List<ChatMessage> messages) {
        ChatTemplate template = model.chatTemplate()
                .orElseThrow(() -> new RequestRefusedException(
                        RefusalCode.CHAT_TEMPLATE_MISSING,
                        "base model " + model.base().name() + " has no chat template; use /v1/completions",
                        "model"));
        try {
            return template.render(messages, true);
        } catch (ChatTemplateException e) {
            throw new RequestRefusedException(
                    RefusalCode.CHAT_TEMPLATE_REFUSED, String.valueOf(e.getMessage()), "messages", e);
        }
    }

    /** @throws RequestRefusedException if the model does not have one of the tokens */
    void requireVocabulary(Collection<Integer> ids, String param) {
        int vocabulary = model.decoder().config().vocabulary();
        for (int id : ids) {
            if (id < 0 || id >= vocabulary) {
                throw new RequestRefusedException(
                        RefusalCode.INVALID_REQUEST, "token " + id + " is not in 0 to " + (vocabulary - 1), param);
            }
        }
    }

    /**
     * The first token of a prompt that brings evidence: in a chat that with the first word of the current user turn, so that earlier
     * turns and what the template begins with bring none; otherwise the first one that the tokenizer does not put before any text.
     *
     * @param ready one of {@link #prepare}
     * @return the last token at most
     */
    int turn(Prompt prompt, ReadyPrompt ready) {
        int words = prompt instanceof Prompt.Chat chat
                ? sharedWithOthers(chat.messages(), ready.tokens())
                : shared(UserTurn.of(model.tokenizer(), Optional.empty()).prefix(), ready.tokens());
        return Math.min(words, ready.tokens().length - 1);
    }

    /** What the conversation has in common with ones whose current turn has other words: all before these words. */
    private int sharedWithOthers(List<ChatMessage> messages, int[] tokens) {
        int turn = turn(messages);
        if (turn < 0) {
            return 0;
        }
        int words = tokens.length;
        for (String other : UNLIKE) {
            List<ChatMessage> changed = new ArrayList<>(messages);
            changed.set(turn, new ChatMessage(USER, other));
            words = Math.min(words, shared(model.tokenizer().encode(rendered(changed), false), tokens));
        }
        return words;
    }

    /** The message that the current turn begins with: the first of the user's last ones; -1 without any. */
    private static int turn(List<ChatMessage> messages) {
        int last = messages.size() - 1;
        while (last >= 0 && !messages.get(last).role().equals(USER)) {
            last--;
        }
        while (last > 0 && messages.get(last - 1).role().equals(USER)) {
            last--;
        }
        return last;
    }

    private static int shared(int[] tokens, int[] others) {
        int different = Arrays.mismatch(tokens, others);
        return different < 0 ? tokens.length : different;
    }
}
