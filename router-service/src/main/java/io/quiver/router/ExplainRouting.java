package io.quiver.router;

import io.quiver.router.CompletionEvent.Decided;
import io.quiver.router.CompletionEvent.Failed;
import io.quiver.router.CompletionEvent.Finished;
import io.quiver.router.CompletionEvent.Generated;
import io.quiver.router.RequestRefusedException.Violation;
import io.quiver.router.TokenLogprob.Candidate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Explains how a prompt is routed: reads it, as a completion does, and answers with every module's decisions instead of text. */
public final class ExplainRouting {
    private static final String ROUTING = "routing";
    private static final int NEXT_TOKENS = 5;

    private final Complete complete;
    private final Duration waitMax;
    private final long numbersMax;

    /**
     * @param waitMax how long one variant may take
     * @param numbersMax shares, scores and coefficients of all variants that one call gives at most
     */
    public ExplainRouting(Complete complete, Duration waitMax, long numbersMax) {
        this.complete = complete;
        this.waitMax = waitMax;
        this.numbersMax = numbersMax;
    }

    /**
     * How one routing reads a prompt.
     *
     * @param leftOut experts that were selected but could not be loaded
     * @param tokens the prompt's, with the modules' decisions // (tokens)
     * @param next the tokens that are likeliest to follow, likeliest first
     * @param decisions who answers, where evidence decides; otherwise empty
     */
    public record Explanation(
            RoutingPlan plan,
            List<LeftOut> leftOut,
            List<TokenTrace> tokens,
            List<Candidate> next,
            List<Decided> decisions) {
        public Explanation {
            leftOut = List.copyOf(leftOut);
            tokens = List.copyOf(tokens);
            next = List.copyOf(next);
            decisions = List.copyOf(decisions);
        }

        /** The same without the modules' decisions, which are most of it. */
        Explanation withoutModules() {
            List<TokenTrace> shares = tokens.stream()
                    .map(token ->
                            new TokenTrace(token.token(), token.text(), token.expert(), token.shares(), List.of()))
                    .toList();
            return new Explanation(plan, leftOut, shares, next, decisions);
        }

        long numbers() {
            long evidence = decisions.stream()
                    .mapToLong(decided ->
                            (long) decided.prompt().size() * plan.experts().size())
                    .sum();
            return evidence
                    + tokens.stream()
                            .mapToLong(token -> token.shares().size()
                                    + token.modules().stream()
                                            .mapToLong(module -> module.scores().length + module.coefficients().length)
                                            .sum())
                            .sum();
        }
    }

    /**
     * Explains several routings of one prompt, one after another, so that no more than one library must be resident at a time.
     *
     * @param variants each with {@link TraceDetail#MODULES}
     * @param modules whether the modules' decisions are wanted, not only the tokens' shares
     * @param client who asks
     * @throws RequestRefusedException if one cannot be explained, or there would be too much to tell
     */
    public List<Explanation> explain(
            String model, Prompt prompt, List<RoutingWish> variants, boolean modules, String client)
            throws InterruptedException {
        List<Explanation> explanations = new ArrayList<>();
        long numbers = 0;
        for (int variant = 0; variant < variants.size(); variant++) {
            Explanation explanation;
            try {
                explanation = explain(model, prompt, variants.get(variant), client);
            } catch (RequestRefusedException e) {
                throw e.param() == null ? e : ofVariant(e, variant);
            }
            explanations.add(modules ? explanation : explanation.withoutModules());
            numbers += explanations.get(variant).numbers();
            if (numbers > numbersMax) {
                throw new RequestRefusedException(
                        RefusalCode.INVALID_REQUEST,
                        "the answer would have more than " + numbersMax + " numbers; ask for fewer variants, a shorter"
                                + " prompt, or detail tokens",
                        modules ? "detail" : "variants");
            }
        }
        return explanations;
    }

    private static RequestRefusedException ofVariant(RequestRefusedException refused, int variant) {
        return new RequestRefusedException(refused.violations().stream()
                .map(violation ->
                        new Violation(violation.code(), violation.message(), ofVariant(violation.param(), variant)))
                .toList());
    }

    private static @Nullable String ofVariant(@Nullable String param, int variant) {
        return param == null || !param.startsWith(ROUTING)
                ? param
                : "variants[" + variant + "]" + param.substring(ROUTING.length());
    }

    private Explanation explain(String model, Prompt prompt, RoutingWish routing, String client)
            throws InterruptedException {
        // One token is what reading the prompt leads to anyway, be it the model's own end or not.
        CompletionOrder order = new CompletionOrder(
                model,
                routing,
                prompt,
                1,
                new SamplingSettings(0, 1, 0),
                LogitSettings.NONE,
                1,
                new StopSettings(List.of(), Set.of(), true, 0),
                new ReportSettings(false, NEXT_TOKENS),
                0L);
        BlockingQueue<CompletionEvent> events = new LinkedBlockingQueue<>();
        RunningCompletion running = complete.begin(order, client, events::add);
        try {
            List<Candidate> next = List.of();
            List<Decided> decisions = new ArrayList<>();
            long deadlineNanos = System.nanoTime() + waitMax.toNanos();
            while (true) {
                CompletionEvent event = events.poll(deadlineNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
                if (event == null) {
                    throw new RequestRefusedException(RefusalCode.TIMED_OUT, "the explanation took too long", null);
                }
                if (event instanceof Failed failed) {
                    throw failed.cause();
                }
                if (event instanceof Decided decided) {
                    decisions.add(decided);
                }
                if (event instanceof Generated generated) {
                    TokenLogprob logprob = generated.logprob();
                    next = logprob == null ? List.of() : logprob.top();
                }
                if (event instanceof Finished finished) {
                    return new Explanation(running.plan(), running.leftOut(), finished.prompt(), next, decisions);
                }
            }
        } finally {
            running.cancel();
        }
    }
}
