package io.quiver.router;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AdjustLogitsTest {
    private static final float[] LOGITS = {2, -1, 4, 0.5f};

    private static AdjustLogits adjust(LogitSettings settings, int[] prompt, int... generated) {
        AdjustLogits adjust = new AdjustLogits(settings, prompt);
        IntStream.of(generated).forEach(adjust::count);
        return adjust;
    }

    @Test
    void without_settings_logits_stay_the_same_array() {
        assertThat(adjust(LogitSettings.NONE, new int[] {1}, 2).apply(LOGITS, Set.of()))
                .isSameAs(LOGITS);
    }

    @Test
    void presence_counts_once_and_frequency_each_time_and_the_prompt_does_not_count() {
        LogitSettings settings = new LogitSettings(0.5, 0.25, 1, Map.of());
        // Token 2 came twice: 4 - 0.5 - 2 * 0.25; token 1 once: -1 - 0.5 - 0.25; token 3 stands in the prompt only.
        assertThat(adjust(settings, new int[] {3, 3}, 2, 1, 2).apply(LOGITS, Set.of()))
                .containsExactly(2, -1.75f, 3, 0.5f);
    }

    @Test
    void negative_penalties_make_what_was_said_likelier() {
        LogitSettings settings = new LogitSettings(-1, -0.5, 1, Map.of());
        assertThat(adjust(settings, new int[] {}, 0).apply(LOGITS, Set.of())).containsExactly(3.5f, -1, 4, 0.5f);
    }

    @Test
    void repetition_divides_positive_and_multiplies_negative_logits_of_prompt_and_answer() {
        LogitSettings settings = new LogitSettings(0, 0, 2, Map.of());
        assertThat(adjust(settings, new int[] {1}, 2, 2).apply(LOGITS, Set.of()))
                .containsExactly(2, -2, 2, 0.5f);
    }

    @Test
    void bias_comes_before_the_penalties_and_repetition_before_the_other_two() {
        LogitSettings settings = new LogitSettings(1, 0, 2, Map.of(1, 3.0));
        // Token 1: (-1 + 3) / 2 - 1; in the other order it would be -1 * 2 + 3 - 1 = 0 as well, so token 0: 2 / 2 - 1.
        assertThat(adjust(settings, new int[] {}, 1, 0).apply(LOGITS, Set.of())).containsExactly(0, 0, 4, 0.5f);
        LogitSettings below = new LogitSettings(0, 0, 2, Map.of(0, -3.0));
        // (2 - 3) * 2, not 2 / 2 - 3.
        assertThat(adjust(below, new int[] {0}).apply(LOGITS, Set.of())).startsWith(-2);
    }

    @Test
    void a_forbidden_token_cannot_come_whatever_its_bias() {
        LogitSettings settings = new LogitSettings(0, 0, 1, Map.of(2, 100.0));
        float[] adjusted = adjust(settings, new int[] {}).apply(LOGITS, Set.of(2));
        assertThat(adjusted[2]).isEqualTo(Float.NEGATIVE_INFINITY);
        assertThat(LOGITS[2]).isEqualTo(4);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void whatever_was_said_the_formula_holds_token_by_token(long seed) {
        Random random = new Random(seed);
        int vocabulary = 40;
        int[] prompt = random.ints(10, 0, vocabulary).toArray();
        LogitSettings settings = new LogitSettings(
                random.nextDouble(-2, 2), random.nextDouble(-2, 2), random.nextDouble(0.5, 2), Map.of(3, 1.5, 7, -2.5));
        AdjustLogits adjust = new AdjustLogits(settings, prompt);
        List<Integer> said = new ArrayList<>();
        for (int step = 0; step < 50; step++) {
            float[] logits = new float[vocabulary];
            for (int i = 0; i < vocabulary; i++) {
                logits[i] = (float) random.nextGaussian(0, 4);
            }
            float[] adjusted = adjust.apply(logits, Set.of());
            for (int token = 0; token < vocabulary; token++) {
                double z = logits[token] + settings.bias().getOrDefault(token, 0.0);
                int id = token;
                if (said.contains(id) || IntStream.of(prompt).anyMatch(other -> other == id)) {
                    z = z > 0 ? z / settings.repetitionPenalty() : z * settings.repetitionPenalty();
                }
                long count = said.stream().filter(other -> other == id).count();
                z -= count * settings.frequencyPenalty() + (count > 0 ? settings.presencePenalty() : 0);
                assertThat((double) adjusted[token]).isBetween(z - 1e-4, z + 1e-4);
            }
            int token = random.nextInt(vocabulary);
            said.add(token);
            adjust.count(token);
        }
    }
}
