package io.quiver.router;

import io.quiver.decoder.text.ChatMessage;
import java.util.List;

/** What a request wants continued; each of its parts becomes one choice. */
public sealed interface Prompt {
    /** Plain texts. */
    record Texts(List<String> texts) implements Prompt {
        public Texts {
            texts = List.copyOf(texts);
        }
    }

    /**
     * Texts that are tokens already.
     *
     * @param texts token ids of each // (choices)(tokens)
     */
    record Tokens(List<int[]> texts) implements Prompt {
        public Tokens {
            texts = List.copyOf(texts);
        }
    }

    /** A conversation, written by the model's chat template. */
    record Chat(List<ChatMessage> messages) implements Prompt {
        public Chat {
            messages = List.copyOf(messages);
        }
    }
}
