package io.quiver.router;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StopStringsTest {
    @Test
    void the_beginning_of_a_stop_string_is_held_back_until_it_is_known() {
        StopStrings stops = new StopStrings(List.of("END"));
        assertThat(stops.push("a E")).isEqualTo("a ");
        assertThat(stops.push("N")).isEmpty();
        assertThat(stops.push("x")).isEqualTo("ENx");
        assertThat(stops.push("EN")).isEmpty();
        assertThat(stops.push("D and more")).isEmpty();
        assertThat(stops.stopped()).isTrue();
        assertThat(stops.push("later")).isEmpty();
        assertThat(stops.finish()).isEmpty();
    }

    @Test
    void what_was_held_back_comes_at_the_end_if_it_is_no_stop_string() {
        StopStrings stops = new StopStrings(List.of("\n\n"));
        assertThat(stops.push("line\n")).isEqualTo("line");
        assertThat(stops.finish()).isEqualTo("\n");
    }

    @Test
    void the_first_of_several_stop_strings_ends_the_text() {
        StopStrings stops = new StopStrings(List.of("yy", "x"));
        assertThat(stops.push("abxyy")).isEqualTo("ab");
    }

    @Test
    void a_stop_string_that_overlaps_itself_is_found() {
        StopStrings stops = new StopStrings(List.of("aab"));
        assertThat(stops.push("aa")).isEmpty();
        assertThat(stops.push("a")).isEqualTo("a");
        assertThat(stops.push("b")).isEmpty();
        assertThat(stops.stopped()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void in_whatever_pieces_a_text_comes_it_ends_before_the_first_stop_string(long seed) {
        Random random = new Random(seed);
        for (int n = 0; n < 2000; n++) {
            List<String> stops = new ArrayList<>();
            for (int i = 1 + random.nextInt(3); i > 0; i--) {
                stops.add(letters(random, 1 + random.nextInt(3)));
            }
            String text = letters(random, random.nextInt(20));
            StopStrings filter = new StopStrings(stops);
            StringBuilder given = new StringBuilder();
            for (int at = 0; at < text.length(); ) {
                int end = Math.min(text.length(), at + 1 + random.nextInt(3));
                given.append(filter.push(text.substring(at, end)));
                at = end;
            }
            given.append(filter.finish());
            assertThat(given.toString()).isEqualTo(naive(text, stops));
        }
    }

    /** Cut before the stop string that is complete first; of several complete at the same letter, the longest. */
    private static String naive(String text, List<String> stops) {
        for (int end = 1; end <= text.length(); end++) {
            String seen = text.substring(0, end);
            int cut = stops.stream()
                    .filter(seen::endsWith)
                    .mapToInt(stop -> seen.length() - stop.length())
                    .min()
                    .orElse(-1);
            if (cut >= 0) {
                return text.substring(0, cut);
            }
        }
        return text;
    }

    private static String letters(Random random, int count) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < count; i++) {
            text.append((char) ('a' + random.nextInt(2)));
        }
        return text.toString();
    }
}
