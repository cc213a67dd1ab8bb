package io.quiver.router;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class TextPaceTest {
    private final TextPace pace = new TextPace();

    @Test
    void a_place_is_free_after_its_part_of_what_texts_take() {
        pace.ended(60);
        assertThat(pace.until(1, 4)).isEqualTo(Duration.ofSeconds(15));
        assertThat(pace.until(4, 4)).isEqualTo(Duration.ofSeconds(60));
    }

    @Test
    void waits_are_a_second_at_least_and_two_minutes_at_most() {
        assertThat(pace.until(1, 16)).isEqualTo(Duration.ofSeconds(1));
        pace.ended(100_000);
        assertThat(pace.until(1, 1)).isEqualTo(Duration.ofMinutes(2));
    }

    @Test
    void one_text_of_another_length_does_not_change_the_estimate_much() {
        pace.ended(10);
        pace.ended(20);
        assertThat(pace.until(1, 1)).isEqualTo(Duration.ofSeconds(11));
    }
}
