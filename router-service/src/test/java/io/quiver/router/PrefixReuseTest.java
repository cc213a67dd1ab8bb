package io.quiver.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.quiver.decoder.Combine;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Tracing;
import io.quiver.lora.arrow.ComputePrototypes;
import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.arrow.PrototypeResult;
import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.LoraAdapter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a text has read is read once: with the same tokens after it, and never under another routing. */
@Timeout(60)
class PrefixReuseTest {
    private static final int[] PROMPT = SchedulerRig.prompt(80, 5);

    private final SchedulerRig rig = new SchedulerRig();

    @AfterEach
    void close() {
        rig.close();
    }

    private DecodeScheduler scheduler(long prefixBytesMax) {
        return rig.scheduler(new DecodeScheduler.Limits(4, 4, 128, SchedulerRig.PLENTY, prefixBytesMax));
    }

    private Expert expert(String name, String digest) throws IOException {
        Path folder = RunningRouter.resource("experts/" + name);
        Map<String, ModulePrototype> prototypes = new HashMap<>();
        try (LoraAdapter adapter = LoraAdapter.open(folder, AdapterLimits.DEFAULT)) {
            for (PrototypeResult result : new ComputePrototypes().compute(adapter)) {
                ModulePrototype prototype = ((PrototypeResult.Computed) result).prototype();
                prototypes.put(prototype.module(), prototype);
            }
        }
        return rig.decoder.load(digest, folder, prototypes);
    }

    private static Routing arrow(int topK, double temperature, Expert... experts) {
        return new Routing.Arrow(List.of(experts), topK, temperature, Combine.OUTPUTS, Tracing.SHARES);
    }

    private static int[] joined(int[] prompt, List<Integer> more, int... end) {
        int[] all = Arrays.copyOf(prompt, prompt.length + more.size() + end.length);
        for (int i = 0; i < more.size(); i++) {
            all[prompt.length + i] = more.get(i);
        }
        System.arraycopy(end, 0, all, prompt.length + more.size(), end.length);
        return all;
    }

    @Test
    void a_conversation_that_goes_on_gives_the_same_tokens_with_and_without_reuse() throws Exception {
        Routing routing =
                arrow(2, 0.7, expert("e0", "sha256:e0"), expert("e1", "sha256:e1"), expert("e2", "sha256:e2"));
        DecodeScheduler plain = scheduler(0);
        DecodeScheduler reusing = scheduler(SchedulerRig.PLENTY);
        List<Integer> first = rig.tokens(plain, PROMPT, 30, routing);
        assertThat(rig.tokens(reusing, PROMPT, 30, routing)).isEqualTo(first);
        assertThat(rig.counts.reusedTokens).hasValue(0);
        // All but the last token that was generated has been read, and the next message follows.
        int[] next = joined(PROMPT, first, 11, 12, 13);
        List<Integer> second = rig.tokens(plain, next, 30, routing);
        assertThat(rig.tokens(reusing, next, 30, routing)).isEqualTo(second);
        assertThat(rig.counts.reusedTokens).hasValue(PROMPT.length + 29);
        // The same once more: all but the last token, whose logits are needed.
        assertThat(rig.tokens(reusing, next, 30, routing)).isEqualTo(second);
        assertThat(rig.counts.reusedTokens).hasValue(PROMPT.length + 29 + next.length - 1);
        // Another end after a common beginning.
        int[] other = joined(Arrays.copyOf(PROMPT, 50), List.of(), 9, 8, 7);
        List<Integer> third = rig.tokens(plain, other, 30, routing);
        assertThat(rig.tokens(reusing, other, 30, routing)).isEqualTo(third);
        assertThat(rig.counts.reusedTokens).hasValue(PROMPT.length + 29 + next.length - 1 + 50);
    }

    @Test
    void another_routing_of_the_same_tokens_reuses_nothing() throws Exception {
        Expert e0 = expert("e0", "sha256:e0");
        Expert e1 = expert("e1", "sha256:e1");
        DecodeScheduler scheduler = scheduler(SchedulerRig.PLENTY);
        for (Routing routing : List.of(
                arrow(1, 1, e0, e1),
                arrow(2, 1, e0, e1),
                arrow(2, 0.5, e0, e1),
                arrow(1, 1, e1, e0),
                arrow(1, 1, e0),
                new Routing.Arrow(List.of(e0, e1), 1, 1, Combine.FACTORS, Tracing.SHARES),
                new Routing.Fixed(List.of(e0), List.of(1.0)),
                new Routing.Fixed(List.of(e0), List.of(0.5)),
                new Routing.Base())) {
            rig.tokens(scheduler, PROMPT, 3, routing);
            assertThat(rig.counts.reusedTokens).hasValue(0);
        }
        rig.tokens(scheduler, PROMPT, 3, arrow(1, 1, e0, e1));
        assertThat(rig.counts.reusedTokens).hasValue(PROMPT.length - 1);
    }

    @Test
    void an_expert_published_again_under_its_name_answers_as_itself() throws Exception {
        DecodeScheduler plain = scheduler(0);
        DecodeScheduler reusing = scheduler(SchedulerRig.PLENTY);
        ExpertPool pool = new ExpertPool(rig.decoder, TinyModel::files, SchedulerRig.PLENTY);
        PinnedExpert before = TinyModel.expert("e0");
        // The same adapter's name and version number, other content: other bytes, so another digest.
        PinnedExpert after =
                new PinnedExpert(before.adapter(), TinyModel.expert("e1").content());
        List<Integer> old;
        try (ExpertPool.Lease lease = pool.acquire(List.of(before))) {
            old = rig.tokens(reusing, PROMPT, 30, new Routing.Fixed(lease.experts(), List.of(1.0)));
        }
        ExpertPool otherFiles = new ExpertPool(rig.decoder, expert -> TinyModel.files(TinyModel.expert("e1")), 1 << 30);
        try (ExpertPool.Lease lease = otherFiles.acquire(List.of(after))) {
            Routing routing = new Routing.Fixed(lease.experts(), List.of(1.0));
            List<Integer> fresh = rig.tokens(plain, PROMPT, 30, routing);
            assertThat(fresh).isNotEqualTo(old);
            assertThat(rig.tokens(reusing, PROMPT, 30, routing)).isEqualTo(fresh);
            assertThat(rig.counts.reusedTokens).hasValue(0);
        }
    }

    @Test
    void a_text_begins_with_what_a_running_one_has_read() throws Exception {
        DecodeScheduler scheduler = scheduler(SchedulerRig.PLENTY);
        rig.submit(scheduler, rig.task(0, PROMPT, 300, new Routing.Base()));
        rig.events.take();
        rig.submit(scheduler, rig.task(1, PROMPT, 5, new Routing.Base()));
        assertThat(rig.end().choice()).isEqualTo(1);
        assertThat(rig.counts.reusedTokens).hasValue(PROMPT.length - 1);
    }

    @Test
    void kept_prefixes_stay_within_their_bytes_and_let_experts_go() throws Exception {
        Expert expert = expert("e0", "sha256:e0");
        Routing routing = arrow(1, 1, expert);
        long bytesMax = rig.decoder.cacheBytes(300);
        DecodeScheduler scheduler = scheduler(bytesMax);
        for (int i = 0; i < 12; i++) {
            rig.tokens(scheduler, SchedulerRig.prompt(90, i), 5, routing);
            await().until(() -> scheduler.load().reservedBytes() == 0);
            assertThat(scheduler.load().prefixBytes()).isBetween(1L, bytesMax);
            assertThat(rig.decoder.cacheBytes()).isEqualTo(scheduler.load().prefixBytes());
        }
        assertThat(scheduler.load().prefixes()).isGreaterThan(1);
        rig.decoder.evict(expert);
        scheduler.close();
        assertThat(rig.decoder.cacheBytes()).isZero();
    }

    @Test
    void kept_prefixes_give_way_to_texts() throws Exception {
        long bytesMax = rig.decoder.cacheBytes(200);
        DecodeScheduler scheduler = rig.scheduler(new DecodeScheduler.Limits(4, 4, 128, bytesMax, bytesMax));
        for (int i = 0; i < 6; i++) {
            rig.tokens(scheduler, SchedulerRig.prompt(60, i), 100, new Routing.Base());
            assertThat(rig.decoder.cacheBytes()).isLessThanOrEqualTo(bytesMax);
        }
    }
}
