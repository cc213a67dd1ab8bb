package io.quiver.router;

import io.quiver.decoder.Routing;
import io.quiver.decoder.text.ChatTemplate;
import io.quiver.decoder.text.ChatTemplateException;
import io.quiver.decoder.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Begins completions: names to digests, text to tokens, experts into memory, then over to the decode thread. Everything
 * slow happens on the caller's thread.
 */
public final class Complete {
    private static final String PROMPT = "prompt";
    /** Modules' decisions of that many tokens at most are kept for one response. */
    private static final int MODULE_TRACE_TOKENS_MAX = 1024;
    /** Tokens times experts times layers, of some seven modules each: two numbers of 4 bytes for each of these. */
    private static final long MODULE_TRACE_DECISIONS_MAX = 1L << 21;

    private final Catalogue catalogue;
    private final ResolveRouting resolveRouting;
    private final ServedModels models;
    private final LongSupplier seeds;

    /** @param seeds seeds for requests that bring none */
    public Complete(Catalogue catalogue, ResolveRouting resolveRouting, ServedModels models, LongSupplier seeds) {
        this.catalogue = catalogue;
        this.resolveRouting = resolveRouting;
        this.models = models;
        this.seeds = seeds;
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
        requireVocabulary(model, order.logits().bias().keySet(), "logit_bias");
        requireVocabulary(model, order.stop().tokens(), "stop_token_ids");
        List<ReadyPrompt> prompts = prompts(model, order.prompt());
        List<Integer> tokensMax = prompts.stream()
                .map(prompt -> room(model, order, prompt.tokens(), wanted))
                .toList();
        long seed = order.seed() == null ? seeds.getAsLong() : order.seed();
        SplittableRandom random = new SplittableRandom(seed);
        int choices = prompts.size() * order.choices();
        List<TextTask> tasks = new ArrayList<>();
        try (DecodeScheduler.Room room = model.scheduler().reserve(choices, client);
                ExpertPool.Lease lease = lease(model, order, wanted)) {
            RoutingPlan plan = wanted.without(lease.leftOut().keySet());
            Routing routing = plan.routing(lease.experts());
            for (int choice = 0; choice < choices; choice++) {
                int prompt = choice / order.choices();
                TextTask.Order text =
                        text(model, order, plan, choice, prompts.get(prompt), routing, tokensMax.get(prompt));
                // Splitting gives each choice a sequence of its own, however close the seeds of two requests are.
                Sampler sampler = new Sampler(order.sampling(), random.split());
                tasks.add(new TextTask(text, model.tokenizer(), sampler, events));
            }
            // One lease per text, because each gives its own back when it ends.
            tasks.forEach(task -> room.submit(task, lease.again()));
            return new RunningCompletion(plan, leftOut(wanted, lease), seed, tasks);
        }
    }

    /** What a request names must be there. Of what it only selects, a gate can do without what cannot be loaded. */
    private static ExpertPool.Lease lease(ServedModel model, CompletionOrder order, RoutingPlan wanted) {
        boolean named = order.routing().selection() instanceof Selection.Named;
        return named || !wanted.strategy().isGate()
                ? model.experts().acquire(wanted.contents())
                : model.experts().acquireWhatCanBeLoaded(wanted.contents());
    }

    private static List<LeftOut> leftOut(RoutingPlan wanted, ExpertPool.Lease lease) {
        return lease.leftOut().entrySet().stream()
                .map(each -> new LeftOut(wanted.experts().get(each.getKey()), each.getValue()))
                .toList();
    }

    /**
     * A prompt in the model's own terms.
     *
     * @param tokens ids // (tokens)
     * @param text as the request gave it, or what its tokens say
     */
    private record ReadyPrompt(int[] tokens, String text) {}

    private static TextTask.Order text(
            ServedModel model,
            CompletionOrder order,
            RoutingPlan plan,
            int choice,
            ReadyPrompt prompt,
            Routing routing,
            int tokensMax) {
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
                order.report().topLogprobs());
    }

    private static List<ReadyPrompt> prompts(ServedModel model, Prompt prompt) {
        Tokenizer tokenizer = model.tokenizer();
        if (prompt instanceof Prompt.Texts texts) {
            return texts.texts().stream()
                    .map(text -> new ReadyPrompt(tokenizer.encode(text, true), text))
                    .toList();
        }
        if (prompt instanceof Prompt.Tokens tokens) {
            return tokens.texts().stream()
                    .map(ids -> {
                        requireVocabulary(model, Arrays.stream(ids).boxed().toList(), PROMPT);
                        return new ReadyPrompt(ids, tokenizer.decode(ids, true));
                    })
                    .toList();
        }
        if (prompt instanceof Prompt.Chat chat) {
            String text = rendered(model, chat);
            return List.of(new ReadyPrompt(tokenizer.encode(text, false), text));
        }
        throw new IllegalStateException("unknown prompt " + prompt);
    }

    private static String rendered(ServedModel model, Prompt.Chat chat) {
        ChatTemplate template = model.chatTemplate()
                .orElseThrow(() -> new RequestRefusedException(
                        RefusalCode.CHAT_TEMPLATE_MISSING,
                        "base model " + model.base().name() + " has no chat template; use /v1/completions",
                        "model"));
        try {
            return template.render(chat.messages(), true);
        } catch (ChatTemplateException e) {
            throw new RequestRefusedException(
                    RefusalCode.CHAT_TEMPLATE_REFUSED, String.valueOf(e.getMessage()), "messages", e);
        }
    }

    private static void requireVocabulary(ServedModel model, Collection<Integer> ids, String param) {
        int vocabulary = model.decoder().config().vocabulary();
        for (int id : ids) {
            if (id < 0 || id >= vocabulary) {
                throw new RequestRefusedException(
                        RefusalCode.INVALID_REQUEST, "token " + id + " is not in 0 to " + (vocabulary - 1), param);
            }
        }
    }

    /** How many tokens may be generated after a prompt. */
    private static int room(ServedModel model, CompletionOrder order, int[] prompt, RoutingPlan plan) {
        String param = order.prompt() instanceof Prompt.Chat ? "messages" : PROMPT;
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
