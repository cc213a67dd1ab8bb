package io.quiver.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SamplerTest {
    /** Logits of the probabilities 0.5, 0.3, 0.15, 0.05, in another order: ids 2, 0, 3, 1. */
    private static final float[] LOGITS = {log(0.3), log(0.05), log(0.5), log(0.15)};

    private static float log(double probability) {
        return (float) Math.log(probability);
    }

    private static Set<Integer> drawn(SamplingSettings settings) {
        Sampler sampler = new Sampler(settings, new Random(7));
        Set<Integer> ids = new TreeSet<>();
        for (int i = 0; i < 3000; i++) {
            ids.add(sampler.next(LOGITS));
        }
        return ids;
    }

    @Test
    void temperature_zero_takes_the_likeliest_and_of_equals_the_first() {
        Sampler sampler = new Sampler(new SamplingSettings(0, 1, 0), new Random(1));
        assertThat(sampler.next(LOGITS)).isEqualTo(2);
        assertThat(sampler.next(new float[] {1, 3, 3, 2})).isEqualTo(1);
    }

    /** Probabilities 0.5, 0.3, 0.15, 0.05: the smallest set that reaches top_p, worked by hand. */
    @ParameterizedTest
    @CsvSource({"0.01, 2", "0.49, 2", "0.51, 2 0", "0.79, 2 0", "0.81, 2 0 3", "0.94, 2 0 3", "0.96, 2 0 3 1"})
    void top_p_keeps_the_smallest_set_that_reaches_it(double topP, String ids) {
        Set<Integer> expected = new TreeSet<>();
        for (String id : ids.split(" ")) {
            expected.add(Integer.parseInt(id));
        }
        assertThat(drawn(new SamplingSettings(1, topP, 0))).isEqualTo(expected);
    }

    @Test
    void top_k_keeps_that_many_and_top_p_counts_within_them() {
        assertThat(drawn(new SamplingSettings(1, 1, 1))).containsExactly(2);
        assertThat(drawn(new SamplingSettings(1, 1, 3))).containsExactly(0, 2, 3);
        // Of the likeliest two, 0.5 / 0.8 = 0.625 is the first one's part.
        assertThat(drawn(new SamplingSettings(1, 0.62, 2))).containsExactly(2);
        assertThat(drawn(new SamplingSettings(1, 0.63, 2))).containsExactly(0, 2);
    }

    @ParameterizedTest
    @CsvSource({"0, 2 0 3 1", "0.09, 2 0 3 1", "0.11, 2 0 3", "0.31, 2 0", "0.59, 2 0", "0.61, 2", "1, 2"})
    void min_p_drops_what_is_less_than_that_part_as_likely_as_the_likeliest(double minP, String ids) {
        Set<Integer> expected = new TreeSet<>();
        for (String id : ids.split(" ")) {
            expected.add(Integer.parseInt(id));
        }
        assertThat(drawn(new SamplingSettings(1, 1, 0, minP))).isEqualTo(expected);
    }

    @Test
    void tokens_come_as_often_as_their_probabilities_say() {
        Sampler sampler = new Sampler(SamplingSettings.DEFAULT, new Random(3));
        int[] count = new int[LOGITS.length];
        int draws = 20_000;
        for (int i = 0; i < draws; i++) {
            count[sampler.next(LOGITS)]++;
        }
        // Four standard deviations of the count are at most 4 * sqrt(0.25 / draws) = 0.0142.
        assertThat(count[2] / (double) draws).isBetween(0.4858, 0.5142);
        assertThat(count[0] / (double) draws).isBetween(0.2858, 0.3142);
    }

    @Test
    void a_low_temperature_sharpens() {
        Sampler sampler = new Sampler(new SamplingSettings(0.05, 1, 0), new Random(3));
        for (int i = 0; i < 1000; i++) {
            assertThat(sampler.next(LOGITS)).isEqualTo(2);
        }
    }

    @Test
    void the_same_seed_draws_the_same_tokens() {
        Sampler one = new Sampler(new SamplingSettings(1.3, 0.9, 0), new Random(42));
        Sampler two = new Sampler(new SamplingSettings(1.3, 0.9, 0), new Random(42));
        for (int i = 0; i < 500; i++) {
            assertThat(one.next(LOGITS)).isEqualTo(two.next(LOGITS));
        }
    }

    @Test
    void what_is_no_number_is_never_drawn_and_nothing_else_is_an_error() {
        Sampler sampler = new Sampler(SamplingSettings.DEFAULT, new Random(1));
        for (int i = 0; i < 100; i++) {
            assertThat(sampler.next(new float[] {Float.NaN, 1, Float.NEGATIVE_INFINITY}))
                    .isEqualTo(1);
        }
        assertThatThrownBy(() -> sampler.next(new float[] {Float.NaN})).isInstanceOf(IllegalStateException.class);
    }
}
