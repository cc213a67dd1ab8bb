package io.quiver.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class QuantitiesTest {
    @Test
    void sizes_change_their_unit_where_the_number_would_need_four_digits() {
        assertThat(Quantities.bytes(0)).isEqualTo("0 B");
        assertThat(Quantities.bytes(1023)).isEqualTo("1023 B");
        assertThat(Quantities.bytes(1024)).isEqualTo("1.0 KiB");
        assertThat(Quantities.bytes(538L << 20)).isEqualTo("538 MiB");
        assertThat(Quantities.bytes((1L << 30) - 1)).isEqualTo("1.0 GiB");
    }

    @Test
    void durations_show_at_most_two_units() {
        assertThat(Quantities.duration(Duration.ofMillis(420))).isEqualTo("0.42 s");
        assertThat(Quantities.duration(Duration.ofMillis(9_940))).isEqualTo("9.9 s");
        assertThat(Quantities.duration(Duration.ofMillis(9_960))).isEqualTo("10 s");
        assertThat(Quantities.duration(Duration.ofSeconds(200))).isEqualTo("3 min 20 s");
        assertThat(Quantities.duration(Duration.ofSeconds(7_500))).isEqualTo("2 h 5 min");
    }

    @Test
    void an_age_shows_its_largest_unit_and_a_clock_behind_the_server_shows_zero() {
        assertThat(Quantities.age(Duration.ofSeconds(-3))).isEqualTo("0 s");
        assertThat(Quantities.age(Duration.ofSeconds(59))).isEqualTo("59 s");
        assertThat(Quantities.age(Duration.ofSeconds(60))).isEqualTo("1 min");
        assertThat(Quantities.age(Duration.ofHours(25))).isEqualTo("1 d");
    }

    @Test
    void a_bar_is_as_wide_as_asked_for_whatever_the_value() {
        assertThat(Bar.of(0, 4)).isEqualTo("    ");
        assertThat(Bar.of(1, 4)).isEqualTo("████");
        assertThat(Bar.of(0.5, 4)).isEqualTo("██  ");
        assertThat(Bar.of(0.28125, 4)).isEqualTo("█▏  ");
        assertThat(Bar.of(Double.NaN, 4)).isEqualTo("    ");
        assertThat(Bar.of(7, 4)).isEqualTo("████");
    }
}
