package io.quiver.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LogprobsTest {
    @Test
    void a_log_probability_is_the_logarithm_of_the_softmax() {
        // exp of these: 1, 2, 5; together 8.
        Logprobs logprobs = Logprobs.of(new float[] {0, (float) Math.log(2), (float) Math.log(5)});
        assertThat(logprobs.of(0)).isCloseTo(Math.log(1 / 8.0), within(1e-6));
        assertThat(logprobs.of(1)).isCloseTo(Math.log(2 / 8.0), within(1e-6));
        assertThat(logprobs.of(2)).isCloseTo(Math.log(5 / 8.0), within(1e-6));
        assertThat(logprobs.top(2)).containsExactly(2, 1);
        assertThat(logprobs.top(9)).containsExactly(2, 1, 0);
        assertThat(logprobs.top(0)).isEmpty();
    }

    @Test
    void of_equally_likely_tokens_the_smaller_id_comes_first() {
        assertThat(Logprobs.of(new float[] {1, 3, 3, 1, 3}).top(4)).containsExactly(1, 2, 4, 0);
    }

    @Test
    void huge_logits_neither_overflow_nor_vanish() {
        Logprobs logprobs = Logprobs.of(new float[] {30_000, 30_000, -30_000});
        assertThat(logprobs.of(0)).isCloseTo(Math.log(0.5), within(1e-9));
        // What is impossible has a number, since JSON has no infinity.
        assertThat(logprobs.of(2)).isEqualTo(-9999);
    }

    @Test
    void what_is_no_number_is_impossible_and_nothing_else_is_an_error() {
        Logprobs logprobs = Logprobs.of(new float[] {Float.NaN, 1, Float.NEGATIVE_INFINITY});
        assertThat(logprobs.of(1)).isZero();
        assertThat(logprobs.of(0)).isEqualTo(-9999);
        assertThat(logprobs.of(2)).isEqualTo(-9999);
        assertThat(logprobs.top(3)).containsExactly(1, 2);
        assertThatThrownBy(() -> Logprobs.of(new float[] {Float.NaN})).isInstanceOf(IllegalStateException.class);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void probabilities_sum_to_one_and_the_top_is_what_sorting_gives(long seed) {
        Random random = new Random(seed);
        for (int n = 0; n < 50; n++) {
            float[] logits = new float[1 + random.nextInt(2000)];
            for (int i = 0; i < logits.length; i++) {
                // Few different values, so that many are equal.
                logits[i] = random.nextInt(100) / 4f - 10;
            }
            Logprobs logprobs = Logprobs.of(logits);
            assertThat(IntStream.range(0, logits.length)
                            .mapToDouble(token -> Math.exp(logprobs.of(token)))
                            .sum())
                    .isCloseTo(1, within(1e-9));
            List<Integer> sorted = IntStream.range(0, logits.length)
                    .boxed()
                    .sorted(Comparator.comparing((Integer token) -> -logits[token]))
                    .limit(20)
                    .toList();
            assertThat(logprobs.top(20)).isEqualTo(sorted);
        }
    }
}
