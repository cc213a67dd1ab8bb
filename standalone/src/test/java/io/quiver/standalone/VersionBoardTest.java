package io.quiver.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.terminal.Terminal;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class VersionBoardTest {
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private final PrintStream out = new PrintStream(written, true, StandardCharsets.UTF_8);

    @Test
    void each_change_has_a_line_where_there_is_no_terminal() throws InterruptedException {
        var board = new VersionBoard(terminal(false), 6);
        board.follow("ns/a:1");
        board.moved("ns/a:1", "UPLOADED");
        board.moved("ns/a:1", "COMPUTING");
        board.moved("ns/a:1", "READY");

        assertThat(board.awaitSettled(1)).isEqualTo(1);
        assertThat(lines()).hasSize(3);
        assertThat(lines()[0]).isEqualTo("  ns/a:1  UPLOADED");
        assertThat(lines()[1]).isEqualTo("  ns/a:1  COMPUTING");
        assertThat(lines()[2]).matches("  ns/a:1  READY   \\d+\\.\\d s");
    }

    @Test
    void each_version_keeps_its_line_on_a_terminal() {
        var board = new VersionBoard(terminal(true), 6);
        board.follow("ns/a:1");
        board.follow("ns/b:1");
        board.moved("ns/a:1", "UPLOADED");
        written.reset();
        board.moved("ns/a:1", "COMPUTING");

        assertThat(written.toString(StandardCharsets.UTF_8))
                .startsWith("\u001b[2A")
                .contains("ns/a:1  UPLOADED → COMPUTING\n");
    }

    @Test
    void what_happened_before_a_version_was_followed_counts_and_what_is_told_late_or_twice_does_not() {
        var board = new VersionBoard(terminal(false), 6);
        board.moved("ns/a:1", "READY");
        assertThat(written.size()).isZero();
        board.follow("ns/a:1");
        board.moved("ns/a:1", "UPLOADED");
        board.moved("ns/a:1", "READY");

        assertThat(lines()).hasSize(1);
        assertThat(lines()[0]).contains("READY");
    }

    @Test
    void a_failed_version_is_settled_but_not_ready() throws InterruptedException {
        var board = new VersionBoard(terminal(false), 6);
        board.follow("ns/a:1");
        board.follow("ns/b:1");
        board.moved("ns/a:1", "FAILED");
        board.moved("ns/b:1", "READY");

        assertThat(board.awaitSettled(60_000)).isEqualTo(1);
    }

    @Test
    void waiting_ends_when_the_time_is_over() throws InterruptedException {
        var board = new VersionBoard(terminal(false), 6);
        board.follow("ns/a:1");
        board.moved("ns/a:1", "COMPUTING");

        assertThat(board.awaitSettled(1)).isZero();
    }

    private Terminal terminal(boolean interactive) {
        return new Terminal(out, out, interactive, false, 80);
    }

    private String[] lines() {
        return written.toString(StandardCharsets.UTF_8).split("\n");
    }
}
