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
     */
    public record Order(
            int choice,
            int[] prompt,
            Routing routing,
            int tokensMax,
            Set<Integer> endTokens,
            List<String> stops,
            TraceDetail trace) {
        public Order {
            endTokens = Set.copyOf(endTokens);
            stops = List.copyOf(stops);
        }
    }

    private final Order order;
    private final Tokenizer tokenizer;
    private final Sampler sampler;
    private final TokenStream stream;
    private final StopStrings stops;
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
        this.stream = tokenizer.stream();
        this.stops = new StopStrings(order.stops());
        this.shares = new RoutingShares(order.routing());
        this.events = events;
    }

    Order order() {
        return order;
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

    /** Takes what the prompt led to. */
    void begin(StepOutput output) {
        if (order.trace() == TraceDetail.MODULES) {
            List<ModuleTrace> modules = output.trace();
            for (int row = 0; row < order.prompt().length; row++) {
                int token = order.prompt()[row];
                promptTrace.add(shares.trace(
                        token, tokenizer.text(token), shares.of(modules, row), modules, row, order.trace()));
            }
        }
        accept(output, order.prompt().length - 1);
    }

    /** Takes what the last token led to. */
    void proceed(StepOutput output) {
        accept(output, 0);
    }

    private void accept(StepOutput output, int row) {
        last = sampler.next(output.logits());
        generated++;
        double[] step = shares.of(output, row);
        shares.add(step);
        if (order.endTokens().contains(last)) {
            finish(FinishReason.STOP);
            return;
        }
        String text = stops.push(stream.push(last));
        TokenTrace trace = order.trace() == TraceDetail.NONE
                ? null
                : shares.trace(last, tokenizer.text(last), step, output.trace(), row, order.trace());
        events.accept(new CompletionEvent.Generated(order.choice(), text, trace));
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
