package io.quiver.router;

import io.quiver.decoder.text.ChatMessage;
import java.util.List;

/** What a request wants continued; each of its parts becomes one choice, or several. */
public sealed interface Prompt {
    /** How many parts. */
    int count();

    /** Plain texts. */
    record Texts(List<String> texts) implements Prompt {
        public Texts {
            texts = List.copyOf(texts);
        }

        @Override
        public int count() {
            return texts.size();
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

        @Override
        public int count() {
            return texts.size();
        }
    }

    /** A conversation, written by the model's chat template. */
    record Chat(List<ChatMessage> messages) implements Prompt {
        public Chat {
            messages = List.copyOf(messages);
        }

        @Override
        public int count() {
            return 1;
        }
    }
}
