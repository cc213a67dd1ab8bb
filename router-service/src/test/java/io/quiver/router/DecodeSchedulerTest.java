package io.quiver.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Routing;
import io.quiver.decoder.text.Tokenizer;
import io.quiver.router.CompletionEvent.Failed;
import io.quiver.router.CompletionEvent.Finished;
import io.quiver.router.CompletionEvent.Generated;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class DecodeSchedulerTest {
    private static final int[] PROMPT = {75, 78, 91, 74}; // (tokens)
    private static Decoder decoder;
    private static Tokenizer tokenizer;

    private final BlockingQueue<CompletionEvent> events = new LinkedBlockingQueue<>();
    private final AtomicInteger givenBack = new AtomicInteger();

    @BeforeAll
    static void open() {
        decoder = TinyModel.open();
        tokenizer = Tokenizer.open(RunningRouter.resource("models/llama"));
    }

    @AfterAll
    static void close() {
        tokenizer.close();
        decoder.close();
    }

    /** Counts nothing. */
    private static final class Unobserved implements DecodeObserver {
        @Override
        public void firstToken(String model, long waitedNanos) {}

        @Override
        public void tokens(String model, int promptTokens, int generatedTokens) {}

        @Override
        public void ended(String model, String how, long elapsedNanos) {}

        @Override
        public void watch(String model, DecodeScheduler scheduler) {}
    }

    private static DecodeScheduler scheduler(int runningMax, int waitingMax) {
        return new DecodeScheduler(
                "tiny", decoder, new DecodeScheduler.Limits(runningMax, waitingMax), new Unobserved());
    }

    private TextTask task(int choice, int tokensMax) {
        return task(choice, tokensMax, PROMPT);
    }

    private TextTask task(int choice, int tokensMax, int[] prompt) {
        TextTask.Order order = new TextTask.Order(
                choice, prompt, new Routing.Base(), tokensMax, Set.of(), List.of(), TraceDetail.NONE);
        return new TextTask(order, tokenizer, new Sampler(new SamplingSettings(0, 1, 0), new Random(1)), events::add);
    }

    private void submit(DecodeScheduler scheduler, TextTask task) {
        try (DecodeScheduler.Room room = scheduler.reserve(1)) {
            room.submit(task, givenBack::incrementAndGet);
        }
    }

    private CompletionEvent end() throws InterruptedException {
        CompletionEvent event = events.take();
        while (event instanceof Generated) {
            event = events.take();
        }
        return event;
    }

    @Test
    void a_text_ends_at_its_length_and_gives_back_what_it_used() throws Exception {
        try (DecodeScheduler scheduler = scheduler(2, 0)) {
            submit(scheduler, task(0, 5));
            assertThat(((Finished) end()).completionTokens()).isEqualTo(5);
            await().until(() -> givenBack.get() == 1);
            assertThat(decoder.cacheBytes()).isZero();
        }
    }

    @Test
    void one_text_more_than_there_is_room_for_is_refused_until_another_ends() throws Exception {
        try (DecodeScheduler scheduler = scheduler(1, 1)) {
            TextTask first = task(0, 400);
            submit(scheduler, first);
            submit(scheduler, task(1, 1));
            RequestRefusedException refused =
                    catchThrowableOfType(RequestRefusedException.class, () -> scheduler.reserve(1));
            assertThat(refused.code()).isEqualTo(RefusalCode.QUEUE_FULL);
            assertThat(refused.code().status()).isEqualTo(429);
            first.cancel();
            assertThat(end()).isInstanceOf(Finished.class);
            await().until(() -> givenBack.get() == 2);
            scheduler.reserve(2).close();
        }
    }

    @Test
    void room_that_was_not_used_is_given_back() {
        try (DecodeScheduler scheduler = scheduler(1, 1)) {
            scheduler.reserve(2).close();
            scheduler.reserve(2).close();
        }
    }

    @Test
    void no_more_texts_run_together_than_allowed() throws Exception {
        try (DecodeScheduler scheduler = scheduler(2, 4)) {
            int most = 0;
            for (int i = 0; i < 6; i++) {
                submit(scheduler, task(i, 20));
            }
            for (int finished = 0; finished < 6; ) {
                CompletionEvent event = events.poll(10, TimeUnit.SECONDS);
                most = Math.max(most, scheduler.runningCount());
                finished += event instanceof Finished ? 1 : 0;
            }
            assertThat(most).isBetween(1, 2);
        }
    }

    @Test
    void a_text_that_cannot_be_decoded_fails_alone() throws Exception {
        try (DecodeScheduler scheduler = scheduler(2, 2)) {
            submit(scheduler, task(0, 60));
            submit(scheduler, task(1, 5, new int[] {1_000_000}));
            CompletionEvent first = end();
            assertThat(first).isInstanceOf(Failed.class);
            assertThat(first.choice()).isEqualTo(1);
            assertThat(((Finished) end()).completionTokens()).isEqualTo(60);
            await().until(() -> givenBack.get() == 2);
        }
    }

    @Test
    void closing_fails_what_runs_and_what_waits() throws Exception {
        DecodeScheduler scheduler = scheduler(1, 1);
        submit(scheduler, task(0, 480));
        submit(scheduler, task(1, 480));
        assertThat(events.take()).isInstanceOf(Generated.class);
        scheduler.close();
        assertThat(end()).isInstanceOf(Failed.class);
        assertThat(end()).isInstanceOf(Failed.class);
        assertThat(givenBack).hasValue(2);
        submit(scheduler, task(2, 1));
        assertThat(end()).isInstanceOf(Failed.class);
    }
}
