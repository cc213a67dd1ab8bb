package io.quiver.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import io.quiver.decoder.Routing;
import io.quiver.router.CompletionEvent.Failed;
import io.quiver.router.CompletionEvent.Finished;
import io.quiver.router.CompletionEvent.Generated;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class DecodeSchedulerTest {
    private static final int[] PROMPT = {75, 78, 91, 74}; // (tokens)
    private final SchedulerRig rig = new SchedulerRig();
    private final BlockingQueue<CompletionEvent> events = rig.events;
    private final AtomicInteger givenBack = rig.givenBack;

    @AfterEach
    void close() {
        rig.close();
    }

    private TextTask task(int choice, int tokensMax) {
        return task(choice, tokensMax, PROMPT);
    }

    private TextTask task(int choice, int tokensMax, int[] prompt) {
        return rig.task(choice, prompt, tokensMax, new Routing.Base(), TraceDetail.NONE);
    }

    @Test
    void a_text_ends_at_its_length_and_gives_back_what_it_used() throws Exception {
        try (DecodeScheduler scheduler = rig.scheduler(2, 0)) {
            rig.submit(scheduler, task(0, 5));
            assertThat(((Finished) rig.end()).completionTokens()).isEqualTo(5);
            await().until(() -> givenBack.get() == 1);
            assertThat(rig.decoder.cacheBytes()).isZero();
        }
    }

    @Test
    void one_text_more_than_there_is_room_for_is_refused_until_another_ends() throws Exception {
        try (DecodeScheduler scheduler = rig.scheduler(1, 1)) {
            TextTask first = task(0, 400);
            rig.submit(scheduler, first);
            rig.submit(scheduler, task(1, 1));
            RequestRefusedException refused =
                    catchThrowableOfType(RequestRefusedException.class, () -> scheduler.reserve(1, "a"));
            assertThat(refused.code()).isEqualTo(RefusalCode.QUEUE_FULL);
            assertThat(refused.code().status()).isEqualTo(429);
            assertThat(refused.retryAfter()).isBetween(Duration.ofSeconds(1), Duration.ofMinutes(2));
            first.cancel();
            assertThat(rig.end()).isInstanceOf(Finished.class);
            await().until(() -> givenBack.get() == 2);
            scheduler.reserve(2, "a").close();
        }
    }

    @Test
    void room_that_was_not_used_is_given_back() {
        try (DecodeScheduler scheduler = rig.scheduler(1, 1)) {
            scheduler.reserve(2, "a").close();
            scheduler.reserve(2, "a").close();
        }
    }

    @Test
    void no_more_texts_run_together_than_allowed() throws Exception {
        try (DecodeScheduler scheduler = rig.scheduler(2, 4)) {
            int most = 0;
            for (int i = 0; i < 6; i++) {
                rig.submit(scheduler, task(i, 20));
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
        try (DecodeScheduler scheduler = rig.scheduler(2, 2)) {
            rig.submit(scheduler, task(0, 60));
            rig.submit(scheduler, task(1, 5, new int[] {1_000_000}));
            CompletionEvent first = rig.end();
            assertThat(first).isInstanceOf(Failed.class);
            assertThat(first.choice()).isEqualTo(1);
            assertThat(((Finished) rig.end()).completionTokens()).isEqualTo(60);
            await().until(() -> givenBack.get() == 2);
        }
    }

    @Test
    void closing_fails_what_runs_and_what_waits() throws Exception {
        DecodeScheduler scheduler = rig.scheduler(1, 1);
        rig.submit(scheduler, task(0, 480));
        rig.submit(scheduler, task(1, 480));
        assertThat(events.take()).isInstanceOf(Generated.class);
        scheduler.close();
        assertThat(rig.end()).isInstanceOf(Failed.class);
        assertThat(rig.end()).isInstanceOf(Failed.class);
        assertThat(givenBack).hasValue(2);
        rig.submit(scheduler, task(2, 1));
        assertThat(rig.end()).isInstanceOf(Failed.class);
    }

    @Test
    void a_long_prompt_is_read_in_pieces_beside_a_text_that_goes_on() throws Exception {
        DecodeScheduler scheduler = rig.scheduler(new DecodeScheduler.Limits(2, 0, 8, SchedulerRig.PLENTY, 0));
        rig.submit(scheduler, task(0, 400));
        assertThat(events.take()).isInstanceOf(Generated.class);
        rig.counts.mostBeside.set(0);
        rig.submit(scheduler, task(1, 1, SchedulerRig.prompt(200, 1)));
        int tokens = 0;
        for (CompletionEvent event = events.take(); event.choice() == 0; event = events.take()) {
            assertThat(event).isInstanceOf(Generated.class);
            tokens++;
        }
        // 200 tokens in pieces of 8: each piece came with a token of the other text.
        assertThat(tokens).isGreaterThanOrEqualTo(24);
        assertThat(rig.counts.mostBeside).hasValue(8);
    }

    @Test
    void a_prompt_read_in_pieces_leads_to_the_same_tokens_and_the_same_trace() throws Exception {
        int[] prompt = SchedulerRig.prompt(100, 2);
        DecodeScheduler one = rig.scheduler(1, 0);
        List<Integer> whole = rig.tokens(one, prompt, 30, new Routing.Base());
        DecodeScheduler cutting = rig.scheduler(new DecodeScheduler.Limits(2, 0, 7, SchedulerRig.PLENTY, 0));
        rig.submit(cutting, task(0, 300));
        assertThat(events.take()).isInstanceOf(Generated.class);
        rig.submit(cutting, rig.task(1, prompt, 30, new Routing.Base(), TraceDetail.MODULES));
        List<Integer> cut = new ArrayList<>();
        CompletionEvent event = events.take();
        for (; !(event instanceof Finished); event = events.take()) {
            if (event.choice() == 1) {
                cut.add(Objects.requireNonNull(((Generated) event).trace()).token());
            }
        }
        assertThat(cut).isEqualTo(whole);
        assertThat(((Finished) event).prompt().stream().map(TokenTrace::token))
                .containsExactlyElementsOf(Arrays.stream(prompt).boxed().toList());
    }

    @Test
    void texts_begin_only_while_the_memory_that_they_can_need_is_free() throws Exception {
        long each = rig.decoder.cacheBytes(PROMPT.length + 50 - 1);
        DecodeScheduler scheduler = rig.scheduler(new DecodeScheduler.Limits(8, 8, 128, 2 * each + 1, 0));
        long most = 0;
        for (int i = 0; i < 6; i++) {
            rig.submit(scheduler, task(i, 50));
        }
        for (int finished = 0; finished < 6; ) {
            CompletionEvent event = events.poll(10, TimeUnit.SECONDS);
            most = Math.max(most, scheduler.load().reservedBytes());
            assertThat(rig.decoder.cacheBytes()).isLessThanOrEqualTo(2 * each + 1);
            finished += event instanceof Finished ? 1 : 0;
        }
        assertThat(most).isIn(each, 2 * each);
        await().until(() -> scheduler.load().reservedBytes() == 0);
        assertThat(rig.decoder.cacheBytes()).isZero();
        TextTask larger = task(0, 104);
        try (DecodeScheduler.Room room = scheduler.reserve(1, "a")) {
            assertThatThrownBy(() -> room.submit(larger, () -> {})).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void a_large_text_is_not_passed_for_ever_by_small_ones() throws Exception {
        long all = rig.decoder.cacheBytes(PROMPT.length + 100 - 1);
        DecodeScheduler scheduler = rig.scheduler(new DecodeScheduler.Limits(8, 8, 128, all, 0));
        rig.submit(scheduler, task(0, 40));
        rig.submit(scheduler, task(1, 100));
        rig.submit(scheduler, task(2, 1));
        assertThat(rig.end().choice()).isEqualTo(0);
        assertThat(rig.end().choice()).isEqualTo(1);
        assertThat(rig.end().choice()).isEqualTo(2);
    }

    @Test
    void a_client_with_one_text_does_not_wait_for_all_of_a_client_with_many() throws Exception {
        DecodeScheduler scheduler = rig.scheduler(1, 8);
        for (int i = 0; i < 5; i++) {
            rig.submit(scheduler, task(i, 20), "many");
        }
        rig.submit(scheduler, task(5, 20), "one");
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            order.add(rig.end().choice());
        }
        assertThat(order.indexOf(5)).isLessThanOrEqualTo(2);
        order.remove((Integer) 5);
        assertThat(order).containsExactly(0, 1, 2, 3, 4);
    }
}
