package io.quiver.router;

import io.quiver.decoder.Routing;
import io.quiver.router.PreparePrompts.ReadyPrompt;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Begins completions: names to digests, text to tokens, experts into memory, then over to the decode thread. Everything
 * slow happens on the caller's thread.
 */
public final class Complete {
    /** Modules' decisions of that many tokens at most are kept for one response. */
    private static final int MODULE_TRACE_TOKENS_MAX = 1024;
    /** Tokens times experts times layers, of some seven modules each: two numbers of 4 bytes for each of these. */
    private static final long MODULE_TRACE_DECISIONS_MAX = 1L << 21;
    /** Some 5 MB of JSON. */
    private static final long EVIDENCE_TRACE_NUMBERS_MAX = 1L << 18;

    private final Catalogue catalogue;
    private final ResolveRouting resolveRouting;
    private final ServedModels models;
    private final LongSupplier seeds;
    private final DecodeObserver observer;

    /** @param seeds seeds for requests that bring none */
    public Complete(
            Catalogue catalogue,
            ResolveRouting resolveRouting,
            ServedModels models,
            LongSupplier seeds,
            DecodeObserver observer) {
        this.catalogue = catalogue;
        this.resolveRouting = resolveRouting;
        this.models = models;
        this.seeds = seeds;
        this.observer = observer;
    }

    /**
     * Begins a completion.
     *
     * @param client who asks: clients take turns where texts wait
     * @param events takes what happens, from the decode thread: quick, and never throwing
     * @throws RequestRefusedException if it cannot be begun
     */
    public RunningCompletion begin(CompletionOrder order, String client, Consumer<CompletionEvent> events) {
        if (!catalogue.isReady()) {
            throw new RequestRefusedException(
                    RefusalCode.CATALOGUE_LOADING, "the router is still reading its catalogue", null);
        }
        RoutingPlan wanted = resolveRouting.resolve(catalogue.snapshot(), order.model(), order.routing());
        ServedModel model = models.await(wanted.base());
        PreparePrompts prepare = new PreparePrompts(model);
        prepare.requireVocabulary(order.logits().bias().keySet(), "logit_bias");
        prepare.requireVocabulary(order.stop().tokens(), "stop_token_ids");
        List<ReadyPrompt> prompts = prepare.prepare(order.prompt());
        List<Integer> tokensMax = prompts.stream()
                .map(prompt -> room(model, order, prompt.tokens(), wanted))
                .toList();
        long seed = order.seed() == null ? seeds.getAsLong() : order.seed();
        SplittableRandom random = new SplittableRandom(seed);
        int choices = prompts.size() * order.choices();
        List<TextTask> tasks = new ArrayList<>();
        boolean named = order.routing().selection() instanceof Selection.Named;
        try (DecodeScheduler.Room room = model.scheduler().reserve(choices, client);
                ResidentLibrary library = ResidentLibrary.acquire(model, wanted, named)) {
            RoutingPlan plan = library.plan();
            Routing routing = plan.routing(library.experts());
            List<TextTask.Order.@Nullable ByEvidence> choosing = choosing(model, order, prompts, library);
            for (int choice = 0; choice < choices; choice++) {
                int prompt = choice / order.choices();
                TextTask.Order text = text(
                        model,
                        order,
                        plan,
                        choice,
                        prompts.get(prompt),
                        routing,
                        tokensMax.get(prompt),
                        choosing.get(prompt));
                // Splitting gives each choice a sequence of its own, however close the seeds of two requests are.
                Sampler sampler = new Sampler(order.sampling(), random.split());
                tasks.add(new TextTask(text, model.tokenizer(), sampler, events));
            }
            // One lease per text, because each gives its own back when it ends.
            tasks.forEach(task -> room.submit(task, library.again()));
            observer.routed(model.base().name(), plan.strategy().word(), choices);
            return new RunningCompletion(plan, library.leftOut(wanted), seed, tasks);
        }
    }

    /**
     * How each prompt's experts are chosen; null for strategies that decide in another way.
     *
     * @throws RequestRefusedException if a prompt is too long for it
     */
    private List<TextTask.Order.@Nullable ByEvidence> choosing(
            ServedModel model, CompletionOrder order, List<ReadyPrompt> prompts, ResidentLibrary library) {
        ChooseExperts choose = library.choose();
        List<TextTask.Order.@Nullable ByEvidence> choosing = new ArrayList<>();
        PreparePrompts prepare = new PreparePrompts(model);
        for (ReadyPrompt prompt : prompts) {
            if (choose == null) {
                choosing.add(null);
                continue;
            }
            int tokens = prompt.tokens().length;
            long bytes = model.decoder().cacheBytes(tokens, choose.probed());
            long bytesMax = model.scheduler().limits().cacheBytesMax();
            if (bytes > bytesMax) {
                throw new RequestRefusedException(
                        RefusalCode.CACHE_MEMORY_EXCEEDED,
                        "choosing by evidence takes " + bytes + " bytes for a prompt of " + tokens
                                + " tokens; the limit is " + bytesMax + " (quiver.router.cache-memory)",
                        param(order));
            }
            choosing.add(new TextTask.Order.ByEvidence(choose, prepare.turn(order.prompt(), prompt)));
        }
        return choosing;
    }

    private static TextTask.Order text(
            ServedModel model,
            CompletionOrder order,
            RoutingPlan plan,
            int choice,
            ReadyPrompt prompt,
            Routing routing,
            int tokensMax,
            TextTask.Order.@Nullable ByEvidence evidence) {
        Set<Integer> endTokens = new HashSet<>(order.stop().tokens());
        if (!order.stop().ignoreEndTokens()) {
            endTokens.addAll(model.decoder().config().eosTokens());
        }
        return new TextTask.Order(
                choice,
                prompt.tokens(),
                routing,
                tokensMax,
                endTokens,
                order.stop().strings(),
                plan.trace(),
                order.stop().tokensMin(),
                order.logits(),
                order.report().echo() ? prompt.text() : null,
                order.report().topLogprobs(),
                evidence);
    }

    private static String param(CompletionOrder order) {
        return order.prompt() instanceof Prompt.Chat ? "messages" : "prompt";
    }

    /** How many tokens may be generated after a prompt. */
    private static int room(ServedModel model, CompletionOrder order, int[] prompt, RoutingPlan plan) {
        String param = param(order);
        if (prompt.length == 0) {
            throw new RequestRefusedException(RefusalCode.INVALID_REQUEST, "the prompt has no tokens", param);
        }
        int left = model.contextTokensMax() - prompt.length;
        boolean answers = order.tokensMax() == null || order.tokensMax() > 0;
        if (left < (answers ? 1 : 0)) {
            throw new RequestRefusedException(
                    RefusalCode.CONTEXT_LENGTH_EXCEEDED,
                    "the prompt has " + prompt.length + " tokens; the context of "
                            + model.base().name() + " has " + model.contextTokensMax()
                            + (answers ? ", and the answer needs at least one" : ""),
                    param);
        }
        int tokensMax = Math.min(left, order.tokensMax() == null ? roomInCache(model, prompt) : order.tokensMax());
        requireRoomInCache(model, prompt, tokensMax, param);
        requireTraceable(model, prompt.length + tokensMax, plan);
        requireTraceableEvidence(prompt.length, plan);
        return tokensMax;
    }

    private static void requireTraceable(ServedModel model, int tokens, RoutingPlan plan) {
        if (plan.trace() != TraceDetail.MODULES) {
            return;
        }
        long decisions =
                (long) tokens * plan.experts().size() * model.decoder().config().layers();
        if (tokens > MODULE_TRACE_TOKENS_MAX || decisions > MODULE_TRACE_DECISIONS_MAX) {
            throw new RequestRefusedException(
                    RefusalCode.INVALID_REQUEST,
                    "trace modules works for " + MODULE_TRACE_TOKENS_MAX + " tokens of prompt and answer, and for "
                            + MODULE_TRACE_DECISIONS_MAX + " tokens times experts times layers; here are " + tokens
                            + " tokens and " + decisions,
                    "routing.trace");
        }
    }

    private static void requireTraceableEvidence(int tokens, RoutingPlan plan) {
        long numbers = (long) tokens * plan.experts().size();
        if (plan.evidence().isPresent() && plan.trace() != TraceDetail.NONE && numbers > EVIDENCE_TRACE_NUMBERS_MAX) {
            throw new RequestRefusedException(
                    RefusalCode.INVALID_REQUEST,
                    "a trace of evidence works for " + EVIDENCE_TRACE_NUMBERS_MAX
                            + " tokens of the prompt times experts; here are " + numbers,
                    "routing.trace");
        }
    }

    /** How many tokens have room behind a prompt, one at least; the last one generated needs no keys and values. */
    private static int roomInCache(ServedModel model, int[] prompt) {
        return (int) Math.max(1, Math.min(model.contextTokensMax(), cachePositions(model) - prompt.length + 1));
    }

    private static long cachePositions(ServedModel model) {
        return model.scheduler().limits().cacheBytesMax() / model.decoder().cacheBytes(1);
    }

    /** A text that alone needs more than there is for all would wait for ever. */
    private static void requireRoomInCache(ServedModel model, int[] prompt, int tokensMax, String param) {
        long positions = cachePositions(model);
        if (prompt.length + Math.max(0, tokensMax - 1) > positions) {
            throw new RequestRefusedException(
                    RefusalCode.CACHE_MEMORY_EXCEEDED,
                    "prompt and answer can have " + (prompt.length + tokensMax) + " tokens; the memory for keys and"
                            + " values of " + model.base().name() + " holds " + (positions + 1)
                            + " (quiver.router.cache-memory)",
                    prompt.length > positions ? param : "max_tokens");
        }
    }
}
