package io.quiver.lora.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.quiver.lora.Fixtures;
import io.quiver.lora.merge.Merge.Election;
import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.LoraAdapter;
import io.quiver.lora.peft.LoraModule;
import io.quiver.lora.peft.LoraUpdates;
import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsLimits;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

class MergeAdaptersTest {
    private static final String Q = "model.layers.0.self_attn.q_proj";

    private static Merge merge(MergeMethod method, double density, Double... weights) {
        return new Merge(method, List.of(weights), density, Election.TOTAL, 5);
    }

    static IntStream goldens() {
        return IntStream.range(
                0, Fixtures.json("merge/merges.json").required("cases").size());
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void a_merge_gives_what_peft_gives(int number) throws IOException {
        JsonNode json = Fixtures.json("merge/merges.json");
        JsonNode one = json.required("cases").get(number);
        List<Double> weights = new ArrayList<>();
        one.required("weights").forEach(weight -> weights.add(weight.doubleValue()));
        Merge merge = new Merge(
                MergeMethod.valueOf(one.required("method").stringValue().toUpperCase(Locale.ROOT)),
                weights,
                one.required("density").doubleValue(),
                Election.valueOf(one.required("election").stringValue().toUpperCase(Locale.ROOT)),
                one.required("seed").longValue());
        List<LoraAdapter> adapters = new ArrayList<>();
        for (JsonNode name : json.required("experts")) {
            adapters.add(LoraAdapter.open(Fixtures.path(name.stringValue()), AdapterLimits.DEFAULT));
        }
        LoraUpdates merged = MergeAdapters.merge(adapters, merge);
        int compared = 0;
        try (SafetensorsFile expected =
                SafetensorsFile.open(Fixtures.path("merge/merged.safetensors"), SafetensorsLimits.ADAPTER)) {
            for (LoraModule module : merged.modules()) {
                assertThat(module.scaling()).isEqualTo(1);
                if (module.path().startsWith("model.layers.0.")) {
                    assertSame(merged.a(module), expected.floats(number + ".a." + module.path()), module.path());
                    assertSame(merged.b(module), expected.floats(number + ".b." + module.path()), module.path());
                    compared++;
                }
            }
        }
        for (LoraAdapter adapter : adapters) {
            adapter.close();
        }
        assertThat(compared).isEqualTo(7);
        assertThat(merged.modules()).hasSize(21);
    }

    private static void assertSame(float[] found, float[] expected, String what) {
        assertThat(found).as(what).hasSameSizeAs(expected);
        for (int i = 0; i < found.length; i++) {
            assertThat(found[i]).as("%s, entry %d", what, i).isEqualTo(expected[i], within(1e-6f));
        }
    }

    @Test
    void ties_by_hand() throws IOException {
        // Two of four stay of each tensor: first 4 and -3, second 5 and 2. Elected: + of 4, + of -3+5, none, + of 2.
        LoraUpdates one = new MemoryUpdates().with(Q, 1, 1, new float[] {4, -3, 1, 0}, new float[] {1});
        LoraUpdates two = new MemoryUpdates().with(Q, 1, 1, new float[] {1, 5, -1, 2}, new float[] {1});
        LoraUpdates merged = MergeAdapters.merge(List.of(one, two), merge(MergeMethod.TIES, 0.5, 4.0, 9.0));
        // Weights go in by their roots, 2 and 3, and the sum is divided by how many agree. Of B's one entry half is
        // none.
        assertThat(merged.a(merged.modules().get(0))).containsExactly(8, 15, 0, 6);
        assertThat(merged.b(merged.modules().get(0))).containsExactly(0);
    }

    @Test
    void linear_by_hand_puts_the_sign_of_a_weight_on_a_only() throws IOException {
        LoraUpdates one = new MemoryUpdates().with(Q, 1, 2, new float[] {1, 2}, new float[] {1, 0});
        LoraUpdates two = new MemoryUpdates().with(Q, 1, 1, new float[] {1, 0}, new float[] {0, 1});
        LoraUpdates merged = MergeAdapters.merge(List.of(one, two), merge(MergeMethod.LINEAR, 1, 2.0, -1.0));
        assertThat(merged.a(merged.modules().get(0))).containsExactly(2 - 1, 4);
        assertThat(merged.b(merged.modules().get(0))).containsExactly(2, 1);
    }

    @ParameterizedTest
    @EnumSource(
            value = MergeMethod.class,
            names = {"DARE_LINEAR", "DARE_TIES"})
    void equal_seeds_drop_the_same_entries_and_others_do_not(MergeMethod method) throws IOException {
        Random random = new Random(9);
        List<LoraUpdates> adapters = List.of(
                new MemoryUpdates().withRandom(Q, 30, 20, 4, 1, random),
                new MemoryUpdates().withRandom(Q, 30, 20, 4, 1, random));
        float[] first = a(adapters, new Merge(method, List.of(1.0, 1.0), 0.5, Election.TOTAL, 1));
        assertThat(a(adapters, new Merge(method, List.of(1.0, 1.0), 0.5, Election.TOTAL, 1)))
                .isEqualTo(first);
        assertThat(a(adapters, new Merge(method, List.of(1.0, 1.0), 0.5, Election.TOTAL, 2)))
                .isNotEqualTo(first);
    }

    private static float[] a(List<LoraUpdates> adapters, Merge merge) throws IOException {
        LoraUpdates merged = MergeAdapters.merge(adapters, merge);
        return merged.a(merged.modules().get(0));
    }

    @ParameterizedTest
    @EnumSource(MergeMethod.class)
    void different_ranks_are_refused_by_name_of_the_module(MergeMethod method) {
        Random random = new Random(9);
        List<LoraUpdates> adapters = List.of(
                new MemoryUpdates().withRandom(Q, 3, 2, 4, 1, random),
                new MemoryUpdates().withRandom(Q, 3, 2, 1, 1, random));
        assertThatThrownBy(() -> MergeAdapters.merge(adapters, merge(method, 0.5, 1.0, 1.0)))
                .isInstanceOf(IncompatibleAdaptersException.class)
                .hasMessageContaining(Q)
                .hasMessageContaining("rank 4 in one")
                .hasMessageContaining("1 in another");
    }

    @Test
    void one_adapter_alone_is_only_weighted() throws IOException {
        LoraUpdates one = new MemoryUpdates().with(Q, 1, 4, new float[] {1, -2}, new float[] {3});
        LoraUpdates merged = MergeAdapters.merge(List.of(one), merge(MergeMethod.DARE_TIES, 0.1, 1.0));
        assertThat(merged.a(merged.modules().get(0))).containsExactly(2, -4);
        assertThat(merged.b(merged.modules().get(0))).containsExactly(6);
    }

    @Test
    void the_generator_gives_the_published_numbers() {
        MersenneTwister random = new MersenneTwister(5489);
        assertThat(Integer.toUnsignedLong(random.bits())).isEqualTo(3499211612L);
        for (int i = 2; i < 10_000; i++) {
            random.bits();
        }
        // The C++ standard gives the 10,000th.
        assertThat(Integer.toUnsignedLong(random.bits())).isEqualTo(4123659995L);
    }

    @Test
    void merges_that_differ_in_what_counts_have_different_lines() {
        Merge ties = merge(MergeMethod.TIES, 0.5, 1.0, 2.0);
        assertThat(ties.canonical())
                .isNotEqualTo(merge(MergeMethod.TIES, 0.25, 1.0, 2.0).canonical());
        assertThat(ties.canonical())
                .isNotEqualTo(merge(MergeMethod.TIES, 0.5, 2.0, 1.0).canonical());
        assertThat(ties.canonical())
                .isNotEqualTo(new Merge(MergeMethod.TIES, List.of(1.0, 2.0), 0.5, Election.FREQUENCY, 5).canonical())
                .isEqualTo(new Merge(MergeMethod.TIES, List.of(1.0, 2.0), 0.5, Election.TOTAL, 6).canonical());
    }
}
