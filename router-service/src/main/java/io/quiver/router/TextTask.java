package io.quiver.router;

import io.quiver.decoder.Decoder.ModuleTrace;
import io.quiver.decoder.Decoder.StepOutput;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.decoder.text.TokenStream;
import io.quiver.decoder.text.Tokenizer;
import io.quiver.lora.evidence.ProbePoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
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
     * @param evidence if who answers is to be chosen first; the routing is then the base's, which reads the prompt
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
            @Nullable Integer topLogprobs,
            @Nullable ByEvidence evidence) {
        /**
         * How the text's experts are chosen.
         *
         * @param firstToken of the prompt that brings evidence
         */
        public record ByEvidence(ChooseExperts choose, int firstToken) {}

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
            this(choice, prompt, routing, tokensMax, endTokens, stops, trace, 0, LogitSettings.NONE, null, null, null);
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
    private final List<TokenTrace> promptTrace = new ArrayList<>();
    private final Consumer<CompletionEvent> events;
    private Routing routing;
    private RoutingShares shares;
    private boolean undecided;
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
        this.routing = order.routing();
        this.shares = new RoutingShares(routing);
        this.undecided = order.evidence() != null;
        this.events = events;
    }

    Order order() {
        return order;
    }

    /** How the text is routed now: by the base alone until its experts are chosen. */
    Routing routing() {
        return routing;
    }

    /** Whether the text's experts are still to be chosen, once the prompt has been read. */
    boolean isUndecided() {
        return undecided;
    }

    /** The points whose inputs must be kept while the prompt is read. */
    List<ProbePoint> probed() {
        Order.ByEvidence evidence = order.evidence();
        return undecided && evidence != null ? evidence.choose().probed() : List.of();
    }

    /**
     * Chooses the text's experts.
     *
     * @param bare has read the whole prompt and kept the inputs of {@link #probed()}
     * @return whether there are any
     * @throws RequestRefusedException if there must be some
     */
    boolean decide(Sequence bare) {
        Order.ByEvidence evidence = Objects.requireNonNull(order.evidence(), "there is something to decide");
        EvidenceChoice choice = evidence.choose().choose(bare, evidence.firstToken());
        routing = evidence.choose().routing(choice);
        shares = new RoutingShares(routing);
        undecided = false;
        List<CompletionEvent.PromptToken> prompt = order.trace() == TraceDetail.NONE
                ? List.of()
                : Arrays.stream(order.prompt())
                        .mapToObj(token -> new CompletionEvent.PromptToken(token, tokenizer.text(token)))
                        .toList();
        events.accept(new CompletionEvent.Decided(order.choice(), choice, prompt));
        return !choice.chosen().isEmpty();
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
