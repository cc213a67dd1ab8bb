package io.quiver.router;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What happens to one choice of a completion, in order: who answers if evidence decides that, its prompt if it is wanted back, any
 * number of tokens, then its end or its failure.
 */
public sealed interface CompletionEvent {
    int choice();

    /**
     * Who answers is decided; before anything else, where evidence decides.
     *
     * @param prompt the prompt's tokens; empty unless a trace is asked for
     */
    record Decided(int choice, EvidenceChoice evidence, List<PromptToken> prompt) implements CompletionEvent {
        public Decided {
            prompt = List.copyOf(prompt);
        }
    }

    /**
     * A token of a prompt.
     *
     * @param token its id
     * @param text for people
     */
    record PromptToken(int token, String text) {}

    /**
     * The prompt was read, and is to be given back.
     *
     * @param logprobs of its tokens; empty unless asked for // (tokens)
     */
    record Echoed(int choice, String text, List<TokenLogprob> logprobs) implements CompletionEvent {
        public Echoed {
            logprobs = List.copyOf(logprobs);
        }
    }

    /**
     * A token was generated.
     *
     * @param text what can be given out by now; often empty, or with text of tokens before
     * @param trace null unless asked for
     * @param logprob null unless asked for
     */
    record Generated(
            int choice,
            String text,
            @Nullable TokenTrace trace,
            @Nullable TokenLogprob logprob) implements CompletionEvent {}

    /**
     * The choice is complete.
     *
     * @param text the rest that was held back
     * @param completionTokens generated, with the one that ends the text
     * @param shares mean coefficient over modules and generated tokens // (experts)
     * @param prompt the traces of the prompt's tokens; empty unless asked for
     */
    record Finished(
            int choice,
            String text,
            FinishReason reason,
            int promptTokens,
            int completionTokens,
            List<Double> shares,
            List<TokenTrace> prompt)
            implements CompletionEvent {
        public Finished {
            shares = List.copyOf(shares);
            prompt = List.copyOf(prompt);
        }
    }

    /** The choice could not be completed. */
    record Failed(int choice, RuntimeException cause) implements CompletionEvent {}
}
