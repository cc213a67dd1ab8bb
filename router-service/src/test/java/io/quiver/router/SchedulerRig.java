package io.quiver.router;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Routing;
import io.quiver.decoder.text.Tokenizer;
import io.quiver.router.CompletionEvent.Finished;
import io.quiver.router.CompletionEvent.Generated;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;

/** A scheduler on the tiny model, what it said, and what it gave back. Texts are greedy. */
final class SchedulerRig implements AutoCloseable {
    static final long PLENTY = 1L << 30;

    final Decoder decoder = TinyModel.open();
    final BlockingQueue<CompletionEvent> events = new LinkedBlockingQueue<>();
    final AtomicInteger givenBack = new AtomicInteger();
    final Counts counts = new Counts();
    private final Tokenizer tokenizer = Tokenizer.open(RunningRouter.resource("models/llama"));
    private final List<DecodeScheduler> schedulers = new ArrayList<>();

    /** Adds up what a scheduler did. */
    static final class Counts implements DecodeObserver {
        final AtomicInteger promptTokens = new AtomicInteger();
        final AtomicInteger reusedTokens = new AtomicInteger();
        final AtomicInteger begun = new AtomicInteger();
        /** Tokens of prompts that were read in one step beside a text that generates. */
        final AtomicInteger mostBeside = new AtomicInteger();

        @Override
        public void begun(String model, long waitedNanos) {
            begun.incrementAndGet();
        }

        @Override
        public void prefix(String model, int tokens, int reused) {
            reusedTokens.addAndGet(reused);
        }

        @Override
        public void decided(String model, String outcome) {}

        @Override
        public void routed(String model, String strategy, int texts) {}

        @Override
        public void nextToken(String model, long gapNanos) {}

        @Override
        public void firstToken(String model, long waitedNanos) {}

        @Override
        public void tokens(String model, int read, int generated) {
            promptTokens.addAndGet(read);
            mostBeside.accumulateAndGet(read, Math::max);
        }

        @Override
        public void ended(String model, String how, long elapsedNanos) {}

        @Override
        public void watch(String model, DecodeScheduler scheduler) {}
    }

    DecodeScheduler scheduler(int runningMax, int waitingMax) {
        return scheduler(new DecodeScheduler.Limits(runningMax, waitingMax, 128, PLENTY, 0));
    }

    DecodeScheduler scheduler(DecodeScheduler.Limits limits) {
        DecodeScheduler scheduler = new DecodeScheduler("tiny", decoder, limits, counts);
        schedulers.add(scheduler);
        return scheduler;
    }

    static int[] prompt(int tokens, long seed) {
        return new Random(seed).ints(tokens, 6, 288).toArray();
    }

    TextTask task(int choice, int[] prompt, int tokensMax, Routing routing) {
        return task(choice, prompt, tokensMax, routing, TraceDetail.TOKENS);
    }

    TextTask task(int choice, int[] prompt, int tokensMax, Routing routing, TraceDetail trace) {
        TextTask.Order order = new TextTask.Order(choice, prompt, routing, tokensMax, Set.of(), List.of(), trace);
        return new TextTask(order, tokenizer, new Sampler(new SamplingSettings(0, 1, 0), new Random(1)), events::add);
    }

    void submit(DecodeScheduler scheduler, TextTask task) {
        submit(scheduler, task, "somebody");
    }

    void submit(DecodeScheduler scheduler, TextTask task, String client) {
        try (DecodeScheduler.Room room = scheduler.reserve(1, client)) {
            room.submit(task, givenBack::incrementAndGet);
        }
    }

    /** The next end of a text, passing over tokens. */
    CompletionEvent end() throws InterruptedException {
        CompletionEvent event = events.take();
        while (event instanceof Generated) {
            event = events.take();
        }
        return event;
    }

    /** The tokens of a text that runs alone. */
    List<Integer> tokens(DecodeScheduler scheduler, int[] prompt, int tokensMax, Routing routing)
            throws InterruptedException {
        submit(scheduler, task(0, prompt, tokensMax, routing));
        List<Integer> tokens = new ArrayList<>();
        CompletionEvent event = events.take();
        for (; event instanceof Generated generated; event = events.take()) {
            tokens.add(Objects.requireNonNull(generated.trace()).token());
        }
        if (!(event instanceof Finished)) {
            throw new IllegalStateException("the text failed: " + event);
        }
        return tokens;
    }

    @Override
    public void close() {
        schedulers.forEach(DecodeScheduler::close);
        tokenizer.close();
        decoder.close();
    }
}
