package io.quiver.router;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PromptSharesTest {
    @Test
    void one_prompt_has_all() {
        assertThat(PromptShares.of(new int[] {1000}, 128)).containsExactly(128);
        assertThat(PromptShares.of(new int[] {100}, 128)).containsExactly(100);
        assertThat(PromptShares.of(new int[] {}, 128)).isEmpty();
    }

    @Test
    void a_short_prompt_goes_beside_a_long_one_that_came_before() {
        assertThat(PromptShares.of(new int[] {2000, 20}, 128)).containsExactly(108, 20);
        assertThat(PromptShares.of(new int[] {2000, 2000, 20}, 128)).containsExactly(76, 32, 20);
    }

    @Test
    void what_the_oldest_leaves_goes_to_the_next() {
        assertThat(PromptShares.of(new int[] {10, 2000, 2000}, 128)).containsExactly(10, 86, 32);
    }

    @Test
    void shares_never_exceed_what_is_left_nor_the_step_and_the_oldest_gets_on() {
        Random random = new Random(1);
        for (int i = 0; i < 1000; i++) {
            int[] left = random.ints(1 + random.nextInt(40), 1, 500).toArray();
            int most = 1 + random.nextInt(300);
            int[] shares = PromptShares.of(left, most);
            int all = Arrays.stream(left).sum();
            assertThat(Arrays.stream(shares).sum()).isEqualTo(Math.min(all, most));
            assertThat(shares[0]).isGreaterThanOrEqualTo(Math.min(left[0], Math.max(1, most / 2)));
            for (int j = 0; j < left.length; j++) {
                assertThat(shares[j]).isBetween(0, left[j]);
            }
        }
    }
}
