package io.quiver.router;

import io.quiver.decoder.text.ChatMessage;
import io.quiver.lora.routability.ExampleReading;
import io.quiver.router.CompletionEvent.Decided;
import io.quiver.router.CompletionEvent.Failed;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Lets a library decide example prompts: texts like others, which end with the decision, some at a time so that requests find room
 * beside them. For one report, used by the thread that asks.
 */
final class ReadExamples {
    private static final int AT_A_TIME = 8;

    private final Complete complete;
    private final String base;
    private final RoutingWish pinned;
    private final boolean chat;
    private final String client;
    private final long deadlineNanos;

    /**
     * Examples of a library.
     *
     * @param plan by evidence
     * @param chat whether the base model has a chat template, in which an example is the user's turn
     * @param deadlineNanos of {@link System#nanoTime}
     */
    ReadExamples(Complete complete, RoutingPlan plan, boolean chat, String client, long deadlineNanos) {
        this.complete = complete;
        this.base = plan.base().name();
        // Versions and calibration are named: what is published meanwhile does not change the library.
        Selection same = new Selection.Named(plan.experts().stream()
                .map(expert -> expert.adapter() + ":" + expert.version())
                .toList());
        this.pinned = wish(
                same,
                StrategyParameters.ofCalibration(
                        plan.evidence().orElseThrow().calibration().digest()));
        this.chat = chat;
        this.client = client;
        this.deadlineNanos = deadlineNanos;
    }

    static RoutingWish wish(Selection selection, StrategyParameters parameters) {
        return new RoutingWish(selection, Strategy.EVIDENCE, null, null, null, TraceDetail.NONE, parameters);
    }

    /** An example on its way. */
    private record Pending(int expert, BlockingQueue<CompletionEvent> events, RunningCompletion running) {}

    /**
     * What the library makes of each expert's examples. Those that are too long for this router are left out.
     *
     * @param examples (experts) of (examples)
     * @return (experts) of (examples)
     */
    List<List<ExampleReading>> readAll(List<List<String>> examples) throws InterruptedException {
        List<List<ExampleReading>> readings = new ArrayList<>();
        List<Pending> pending = new ArrayList<>();
        try {
            for (int e = 0; e < examples.size(); e++) {
                readings.add(new ArrayList<>());
                for (String prompt : examples.get(e)) {
                    if (pending.size() == AT_A_TIME) {
                        finish(pending, readings);
                    }
                    Pending begun = begin(e, prompt);
                    if (begun != null) {
                        pending.add(begun);
                    }
                }
            }
            while (!pending.isEmpty()) {
                finish(pending, readings);
            }
            return readings;
        } finally {
            pending.forEach(each -> each.running().cancel());
        }
    }

    private void finish(List<Pending> pending, List<List<ExampleReading>> readings) throws InterruptedException {
        Pending oldest = pending.get(0);
        readings.get(oldest.expert()).add(decided(oldest));
        oldest.running().cancel();
        pending.remove(0);
    }

    /** Null if it is too long to be read. */
    private @Nullable Pending begin(int expert, String prompt) {
        BlockingQueue<CompletionEvent> events = new LinkedBlockingQueue<>();
        // One token that nobody waits for: the text is given up once its experts are chosen.
        CompletionOrder order = new CompletionOrder(
                base,
                pinned,
                chat ? new Prompt.Chat(List.of(new ChatMessage("user", prompt))) : new Prompt.Texts(List.of(prompt)),
                1,
                new SamplingSettings(0, 1, 0),
                LogitSettings.NONE,
                1,
                new StopSettings(List.of(), Set.of(), true, 0),
                ReportSettings.NONE,
                0L);
        try {
            return new Pending(expert, events, complete.begin(order, client, events::add));
        } catch (RequestRefusedException e) {
            if (e.code() == RefusalCode.CONTEXT_LENGTH_EXCEEDED || e.code() == RefusalCode.CACHE_MEMORY_EXCEEDED) {
                return null;
            }
            throw e;
        }
    }

    private ExampleReading decided(Pending pending) throws InterruptedException {
        while (true) {
            CompletionEvent event = pending.events().poll(deadlineNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
            if (event == null) {
                throw new RequestRefusedException(
                        RefusalCode.TIMED_OUT, "the report took too long; ask for fewer examples", "examples");
            }
            if (event instanceof Failed failed) {
                throw failed.cause();
            }
            if (event instanceof Decided decided) {
                return ExampleReading.of(decided.evidence().decision());
            }
        }
    }
}
