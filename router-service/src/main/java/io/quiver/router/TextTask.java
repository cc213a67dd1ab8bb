package io.quiver.router;

import io.quiver.decoder.Decoder.ModuleTrace;
import io.quiver.decoder.Decoder.StepOutput;
import io.quiver.decoder.Routing;
import io.quiver.decoder.text.TokenStream;
import io.quiver.decoder.text.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One text to be generated: from the logits of each step to tokens, from tokens to text, until its end. Made on the
 * thread of the request, then owned by the scheduler's; only {@link #cancel} may be called from elsewhere.
 */
public final class TextTask {
    /**
     * What is to be generated.
     *
     * @param prompt token ids // (tokens)
     * @param tokensMax tokens to generate at most
     * @param endTokens tokens that end the text
     * @param stops strings that end the text
     * @param tokensMin tokens before which none of these ends it
     * @param logits what is done to logits before a token is drawn
     * @param echo the prompt's text, if it is to be given back
     * @param topLogprobs as in {@link ReportSettings}
     */
    public record Order(
            int choice,
            int[] prompt,
            Routing routing,
            int tokensMax,
            Set<Integer> endTokens,
            List<String> stops,
            TraceDetail trace,
            int tokensMin,
            LogitSettings logits,
            @Nullable String echo,
            @Nullable Integer topLogprobs) {
        public Order {
            endTokens = Set.copyOf(endTokens);
            stops = List.copyOf(stops);
        }

        /** A text without any of the later parameters. */
        public Order(
                int choice,
                int[] prompt,
                Routing routing,
                int tokensMax,
                Set<Integer> endTokens,
                List<String> stops,
                TraceDetail trace) {
            this(choice, prompt, routing, tokensMax, endTokens, stops, trace, 0, LogitSettings.NONE, null, null);
        }

        /** Whether the logits after every token of the prompt are wanted, not only those after the last. */
        boolean everyToken() {
            return echo != null && topLogprobs != null;
        }
    }

    private final Order order;
    private final Tokenizer tokenizer;
    private final Sampler sampler;
    private final AdjustLogits adjust;
    private final TokenStream stream;
    private final StopStrings stops;
    private final ReportLogprobs logprobs;
    private final RoutingShares shares;
    private final List<TokenTrace> promptTrace = new ArrayList<>();
    private final Consumer<CompletionEvent> events;
    private volatile boolean cancelled;
    private int generated;
    private int last;
    private boolean done;

    /** @param events takes what happens; called on the decode thread, so it must be quick and not throw */
    public TextTask(Order order, Tokenizer tokenizer, Sampler sampler, Consumer<CompletionEvent> events) {
        this.order = order;
        this.tokenizer = tokenizer;
        this.sampler = sampler;
        this.adjust = new AdjustLogits(order.logits(), order.prompt());
        this.stream = tokenizer.stream();
        this.stops = new StopStrings(order.stops());
        this.logprobs = new ReportLogprobs(tokenizer, order);
        this.shares = new RoutingShares(order.routing());
        this.events = events;
    }

    Order order() {
        return order;
    }

    /** Whether what every token of the prompt led to is a part of the answer, so that no part of it may be skipped. */
    boolean needsWholePrompt() {
        return order.trace() == TraceDetail.MODULES || order.everyToken();
    }

    /** The token to feed next. */
    int last() {
        return last;
    }

    boolean isDone() {
        return done;
    }

    boolean hasGenerated() {
        return generated > 0;
    }

    boolean isCancelled() {
        return cancelled;
    }

    /** Says that nobody waits for the text any more; it ends at the next step. From any thread. */
    public void cancel() {
        cancelled = true;
    }

    /**
     * Takes what a piece of the prompt led to; the last piece leads to the first token of the text.
     *
     * @param from the first token of the piece
     * @param count tokens of the piece
     */
    void read(StepOutput output, int from, int count) {
        if (order.trace() == TraceDetail.MODULES) {
            List<ModuleTrace> modules = output.trace();
            for (int row = 0; row < count; row++) {
                int token = order.prompt()[from + row];
                promptTrace.add(shares.trace(
                        token, tokenizer.text(token), shares.of(modules, row), modules, row, order.trace()));
            }
        }
        if (order.everyToken()) {
            logprobs.read(output.logitsByToken(), from);
        }
        if (from + count < order.prompt().length) {
            return;
        }
        String echo = order.echo();
        if (echo != null) {
            events.accept(new CompletionEvent.Echoed(order.choice(), echo, logprobs.prompt()));
        }
        if (order.tokensMax() == 0) {
            finish(FinishReason.LENGTH);
        } else {
            accept(output, count - 1);
        }
    }

    /** Takes what the last token led to. */
    void proceed(StepOutput output) {
        accept(output, 0);
    }

    private void accept(StepOutput output, int row) {
        boolean endless = generated < order.tokensMin();
        last = sampler.next(adjust.apply(output.logits(), endless ? order.endTokens() : Set.of()));
        adjust.count(last);
        generated++;
        double[] step = shares.of(output, row);
        shares.add(step);
        if (order.endTokens().contains(last)) {
            finish(FinishReason.STOP);
            return;
        }
        String piece = stream.push(last);
        String text = endless ? piece : stops.push(piece);
        TokenTrace trace = order.trace() == TraceDetail.NONE
                ? null
                : shares.trace(last, tokenizer.text(last), step, output.trace(), row, order.trace());
        TokenLogprob logprob = order.topLogprobs() == null ? null : logprobs.generated(output.logits(), last, piece);
        events.accept(new CompletionEvent.Generated(order.choice(), text, trace, logprob));
        if (stops.stopped()) {
            finish(FinishReason.STOP);
        } else if (generated >= order.tokensMax()) {
            finish(FinishReason.LENGTH);
        }
    }

    private void finish(FinishReason reason) {
        done = true;
        String rest = stops.push(stream.finish());
        // The last bytes can complete a stop string as well.
        FinishReason actual = stops.stopped() ? FinishReason.STOP : reason;
        events.accept(new CompletionEvent.Finished(
                order.choice(),
                rest + stops.finish(),
                actual,
                order.prompt().length,
                generated,
                shares.mean(),
                promptTrace));
    }

    void fail(RuntimeException cause) {
        done = true;
        events.accept(new CompletionEvent.Failed(order.choice(), cause));
    }
}
