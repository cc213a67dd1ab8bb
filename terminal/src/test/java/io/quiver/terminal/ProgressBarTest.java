package io.quiver.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressBarTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final AtomicLong nanos = new AtomicLong();

    @Test
    void half_way_it_shows_bytes_rate_and_time_left() {
        String bar = bar("ns/a", 5 << 20, 10 << 20, Duration.ofSeconds(2), 120);

        assertThat(bar)
                .startsWith("ns/a  [" + "█".repeat(15) + "░".repeat(15) + "]")
                .contains(" 50 %  5.0 MiB of 10.0 MiB  2.5 MiB/s  2.0 s left");
    }

    @Test
    void at_the_end_it_shows_how_long_it_took() {
        assertThat(bar("ns/a", 2048, 2048, Duration.ofMillis(500), 120))
                .endsWith("100 %  2.0 KiB of 2.0 KiB  4.0 KiB/s  in 0.50 s")
                .doesNotContain("left");
    }

    @Test
    void a_line_never_exceeds_the_terminal() {
        for (int columns = 40; columns < 160; columns++) {
            assertThat(bar("namespace/a-rather-long-name", 3L << 30, 7L << 30, Duration.ofHours(2), columns)
                            .length())
                    .isLessThan(columns);
        }
    }

    @Test
    void on_a_terminal_one_line_is_drawn_over_and_over() {
        try (ProgressBar bar = new ProgressBar(terminal(true), "x", 100, nanos::get)) {
            for (int i = 0; i < 10; i++) {
                nanos.addAndGet(150_000_000L);
                bar.accept(10);
            }
        }

        assertThat(text().chars().filter(c -> c == '\r').count()).isEqualTo(11);
        assertThat(text().chars().filter(c -> c == '\n').count()).isEqualTo(1);
    }

    @Test
    void in_a_pipe_there_is_a_line_every_five_seconds_and_one_at_the_end() {
        try (ProgressBar bar = new ProgressBar(terminal(false), "x", 100, nanos::get)) {
            for (int i = 0; i < 10; i++) {
                nanos.addAndGet(1_000_000_000L);
                bar.accept(10);
            }
        }

        assertThat(text()).doesNotContain("\r").doesNotContain("\u001b");
        assertThat(text().lines()).hasSize(3);
        assertThat(text().lines().reduce((first, last) -> last))
                .hasValueSatisfying(last -> assertThat(last).contains("100 %"));
    }

    @Test
    void an_upload_of_nothing_is_done_at_once() {
        assertThat(bar("x", 0, 0, Duration.ZERO, 80)).contains("100 %  0 B of 0 B");
    }

    @Test
    void whatever_is_counted_can_be_shown() {
        ProgressBar bar = new ProgressBar(terminal(true), "eval", 160, Quantities::count, nanos::get);

        assertThat(bar.bar(Duration.ofSeconds(25), 80)).contains(" 50 %  80 of 160  3.2/s  25 s left");
    }

    private String bar(String label, long doneBytes, long totalBytes, Duration elapsed, int columns) {
        PrintStream stream = new PrintStream(out, true, StandardCharsets.UTF_8);
        return new ProgressBar(new Terminal(stream, stream, true, false, columns), label, totalBytes, nanos::get)
                .bar(elapsed, doneBytes);
    }

    private Terminal terminal(boolean interactive) {
        PrintStream stream = new PrintStream(out, true, StandardCharsets.UTF_8);
        return new Terminal(stream, stream, interactive, false, 100);
    }

    private String text() {
        return out.toString(StandardCharsets.UTF_8);
    }
}
