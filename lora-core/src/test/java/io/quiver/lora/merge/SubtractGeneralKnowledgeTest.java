package io.quiver.lora.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.quiver.lora.peft.LoraUpdates;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SubtractGeneralKnowledgeTest {
    private static final String Q = "model.layers.0.self_attn.q_proj";
    private static final String V = "model.layers.0.self_attn.v_proj";

    @Test
    void factors_lose_the_mean_of_the_general_factors_and_keep_their_scale() throws IOException {
        LoraUpdates expert = new MemoryUpdates().with(Q, 1, 3, new float[] {5, 1}, new float[] {2});
        LoraUpdates one = new MemoryUpdates().with(Q, 1, 7, new float[] {1, 1}, new float[] {4});
        LoraUpdates two = new MemoryUpdates().with(Q, 1, 9, new float[] {3, 0}, new float[] {-2});
        LoraUpdates rest = SubtractGeneralKnowledge.from(expert, List.of(one, two), GeneralKnowledge.FACTORS);
        assertThat(rest.a(rest.modules().get(0))).containsExactly(3, 0.5f);
        assertThat(rest.b(rest.modules().get(0))).containsExactly(1);
        assertThat(rest.modules().get(0).scaling()).isEqualTo(3);
    }

    @Test
    void updates_lose_the_mean_of_the_general_updates_whatever_ranks_scales_and_modules() throws IOException {
        Random random = new Random(11);
        for (int i = 0; i < 20; i++) {
            int in = 1 + random.nextInt(8);
            int out = 1 + random.nextInt(8);
            LoraUpdates expert = random(in, out, random, true);
            List<LoraUpdates> general = new ArrayList<>();
            for (int g = 0; g <= i % 3; g++) {
                general.add(random(in, out, random, g != 1));
            }
            LoraUpdates rest = SubtractGeneralKnowledge.from(expert, general, GeneralKnowledge.UPDATES);
            for (String path : List.of(Q, V)) {
                double[] expected = MemoryUpdates.product(expert, path, in, out);
                for (LoraUpdates adapter : general) {
                    double[] part = MemoryUpdates.product(adapter, path, in, out);
                    for (int j = 0; j < part.length; j++) {
                        expected[j] -= part[j] / general.size();
                    }
                }
                assertThat(MemoryUpdates.product(rest, path, in, out)).containsExactly(expected, within(1e-5));
            }
        }
    }

    private static LoraUpdates random(int in, int out, Random random, boolean both) {
        MemoryUpdates updates =
                new MemoryUpdates().withRandom(Q, in, out, 1 + random.nextInt(4), 0.2 + random.nextDouble(), random);
        return both ? updates.withRandom(V, in, out, 1 + random.nextInt(4), 2, random) : updates;
    }

    @Test
    void a_module_that_the_expert_lacks_stays_as_it_is() throws IOException {
        Random random = new Random(2);
        LoraUpdates expert = new MemoryUpdates().withRandom(Q, 3, 3, 1, 1, random);
        LoraUpdates general =
                new MemoryUpdates().withRandom(Q, 3, 3, 1, 1, random).withRandom(V, 3, 3, 1, 1, random);
        assertThat(SubtractGeneralKnowledge.from(expert, List.of(general), GeneralKnowledge.UPDATES)
                        .modules())
                .hasSize(1);
    }

    @Test
    void factors_of_another_rank_or_of_a_module_that_is_missing_are_refused() {
        Random random = new Random(2);
        LoraUpdates expert = new MemoryUpdates().withRandom(Q, 3, 3, 1, 1, random);
        LoraUpdates higher = new MemoryUpdates().withRandom(Q, 3, 3, 2, 1, random);
        LoraUpdates elsewhere = new MemoryUpdates().withRandom(V, 3, 3, 1, 1, random);
        assertThatThrownBy(() -> SubtractGeneralKnowledge.from(expert, List.of(higher), GeneralKnowledge.FACTORS))
                .isInstanceOf(IncompatibleAdaptersException.class)
                .hasMessageContaining("2 in a general adapter");
        assertThatThrownBy(() -> SubtractGeneralKnowledge.from(expert, List.of(elsewhere), GeneralKnowledge.FACTORS))
                .isInstanceOf(IncompatibleAdaptersException.class)
                .hasMessageContaining(Q);
    }
}
