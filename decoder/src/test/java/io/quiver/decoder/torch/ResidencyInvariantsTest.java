package io.quiver.decoder.torch;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.decoder.Combine;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.lora.arrow.ModulePrototype;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What else is resident, comes or goes must not change the numbers. */
class ResidencyInvariantsTest {
    private static final double SAME = 5e-5;
    private static final List<String> MIXED = List.of(
            "adapters/r1-qv",
            "adapters/r4-attn",
            "adapters/r8-all-linear-rslora",
            "adapters/r4-mlp-regex",
            "adapters/patterns",
            "adapters/layers-0-2");

    private TorchDecoder decoder;

    @BeforeEach
    void open() {
        decoder = Fixtures.open("llama", Precision.FP32);
    }

    @AfterEach
    void close() {
        decoder.close();
    }

    private Routing.Arrow mixed(Combine combine) {
        return new Routing.Arrow(Fixtures.load(decoder, MIXED), 2, 0.7, combine, false);
    }

    @Test
    void experts_that_come_and_go_change_nothing_for_an_open_sequence() throws IOException {
        List<Expert> small =
                Fixtures.load(decoder, List.of("adapters/r1-qv", "adapters/r4-attn", "adapters/layers-0-2"));
        Routing routing = new Routing.Arrow(small, 2, 1, Combine.OUTPUTS, false);
        int[] ids = Fixtures.tokens(12, 4);
        float[][] before = Fixtures.logits(decoder, routing, ids);
        try (Sequence sequence = decoder.open(routing)) {
            float[][] during = new float[ids.length][];
            for (int i = 0; i < ids.length; i++) {
                if (i == 3) {
                    // A higher rank: all pools are laid out anew.
                    Fixtures.load(decoder, "adapters/r8-all-linear-rslora");
                    Fixtures.load(decoder, "arrow/experts/e0");
                }
                if (i == 6) {
                    decoder.evict(Fixtures.load(decoder, "arrow/experts/e0"));
                }
                if (i == 8) {
                    Fixtures.load(decoder, "arrow/experts/e5");
                }
                during[i] = decoder.step(List.of(new Feed(sequence, new int[] {ids[i]})))
                        .get(0)
                        .logits();
            }
            assertThat(Fixtures.maxDifference(before, during)).isLessThan(SAME);
        }
        assertThat(Fixtures.maxDifference(before, Fixtures.logits(decoder, routing, ids)))
                .isLessThan(SAME);
    }

    @Test
    void an_expert_in_a_slot_that_was_used_before_gives_what_it_gives_in_a_fresh_one() {
        int[] ids = Fixtures.tokens(9, 5);
        Expert first = Fixtures.load(decoder, "adapters/r1-qv");
        float[][] fresh = Fixtures.logits(decoder, single(first), ids);
        decoder.evict(first);
        Expert other = Fixtures.load(decoder, "adapters/r8-all-linear-rslora");
        Fixtures.logits(decoder, single(other), ids);
        decoder.evict(other);
        Expert again = Fixtures.load(decoder, "adapters/r1-qv");
        assertThat(Fixtures.maxDifference(fresh, Fixtures.logits(decoder, single(again), ids)))
                .isLessThan(SAME);
    }

    private static Routing single(Expert expert) {
        return new Routing.Fixed(List.of(expert), List.of(1.0));
    }

    @Test
    void a_library_of_more_than_sixteen_experts_is_routed_alike_at_once_and_token_by_token() throws IOException {
        Random random = new Random(10);
        List<Expert> experts = new ArrayList<>();
        for (int i = 0; i < 24; i++) {
            experts.add(loadWithRandomPrototypes("expert" + i, MIXED.get(i % MIXED.size()), random));
        }
        List<Expert> half = experts.subList(0, 18);
        decoder.evict(experts.get(20));
        int[] ids = Fixtures.tokens(19, 10);
        // Once with a library that is most of the pool, once with one that is less than half of it.
        for (int rest = 0; rest < 2; rest++) {
            Routing routing = new Routing.Arrow(half, 3, 1, Combine.OUTPUTS, false);
            assertThat(Fixtures.maxDifference(
                            Fixtures.logits(decoder, routing, ids), Fixtures.oneByOne(decoder, routing, ids)))
                    .isLessThan(SAME);
            for (int i = 0; i < 30; i++) {
                loadWithRandomPrototypes("more" + i, MIXED.get(2), random);
            }
        }
    }

    private Expert loadWithRandomPrototypes(String digest, String adapter, Random random) throws IOException {
        Map<String, ModulePrototype> prototypes = Fixtures.prototypes(adapter);
        prototypes.replaceAll((module, prototype) -> {
            float[] vector = new float[prototype.vector().length];
            for (int i = 0; i < vector.length; i++) {
                vector[i] = (float) (random.nextGaussian() / Math.sqrt(vector.length));
            }
            return new ModulePrototype(module, prototype.rank(), prototype.scaling(), vector, prototype.sigma());
        });
        return decoder.load(digest, Fixtures.path(adapter), prototypes);
    }

    @Test
    void loading_while_another_thread_decodes_changes_nothing() {
        Routing routing = mixed(Combine.OUTPUTS);
        int[] ids = Fixtures.tokens(100, 11);
        float[][] quiet = Fixtures.oneByOne(decoder, routing, ids);
        CompletableFuture<Void> loading = CompletableFuture.runAsync(() -> {
            for (int round = 0; round < 3; round++) {
                List<Expert> others = Stream.of("e0", "e1", "e2", "e3", "e4", "e5")
                        .map(name -> Fixtures.load(decoder, "arrow/experts/" + name))
                        .toList();
                others.forEach(decoder::evict);
            }
        });
        float[][] busy = Fixtures.oneByOne(decoder, routing, ids);
        loading.join();
        assertThat(Fixtures.maxDifference(quiet, busy)).isLessThan(SAME);
    }
}
