package io.quiver.router.web;

import io.quiver.router.CompletionEvent;
import io.quiver.router.CompletionEvent.Decided;
import io.quiver.router.CompletionEvent.Echoed;
import io.quiver.router.CompletionEvent.Finished;
import io.quiver.router.CompletionEvent.Generated;
import io.quiver.router.TokenLogprob;
import io.quiver.router.TokenTrace;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What has come of all choices of an answer so far. */
final class Gathered {
    private final List<StringBuilder> texts = new ArrayList<>();
    private final List<List<TokenLogprob>> logprobs = new ArrayList<>();
    private final List<@Nullable Finished> ends = new ArrayList<>();
    private final List<TokenTrace> tokens = new ArrayList<>();
    /** By choice. */
    private final SortedMap<Integer, Decided> decisions = new TreeMap<>();

    Gathered(int choices) {
        for (int choice = 0; choice < choices; choice++) {
            texts.add(new StringBuilder());
            logprobs.add(new ArrayList<>());
            ends.add(null);
        }
    }

    void add(CompletionEvent event) {
        if (event instanceof Echoed echoed) {
            texts.get(echoed.choice()).append(echoed.text());
            logprobs.get(echoed.choice()).addAll(echoed.logprobs());
        } else if (event instanceof Generated generated) {
            texts.get(generated.choice()).append(generated.text());
            if (generated.logprob() != null) {
                logprobs.get(generated.choice()).add(generated.logprob());
            }
            if (generated.trace() != null) {
                tokens.add(generated.trace());
            }
        } else if (event instanceof Decided decided) {
            decisions.put(decided.choice(), decided);
        } else if (event instanceof Finished finished) {
            texts.get(finished.choice()).append(finished.text());
            ends.set(finished.choice(), finished);
        }
    }

    boolean isComplete() {
        return !ends.contains(null);
    }

    List<String> texts() {
        return texts.stream().map(StringBuilder::toString).toList();
    }

    /** By choice. */
    List<List<TokenLogprob>> logprobs() {
        return logprobs;
    }

    /** The ends of all choices, in their order; of those that have ended. */
    List<Finished> ends() {
        List<Finished> complete = new ArrayList<>();
        for (Finished end : ends) {
            if (end != null) {
                complete.add(end);
            }
        }
        return complete;
    }

    /** Who answers each choice, in their order, where evidence decides. */
    List<Decided> decisions() {
        return List.copyOf(decisions.values());
    }

    List<TokenTrace> tokens() {
        return tokens;
    }
}
