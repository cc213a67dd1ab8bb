package io.quiver.standalone;

import io.quiver.terminal.Terminal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The states that some versions of adapters go through, shown as they change: on a terminal each version has its line, elsewhere
 * each change has. States may be told late, twice, and before anybody is interested in their version. Thread-safe.
 */
final class VersionBoard {
    /** In the order in which a version goes through them; the last two end its way. */
    private static final List<String> STATES = List.of("UPLOADED", "COMPUTING", "FAILED", "READY");

    private static final int FAILED = 2;
    private static final int READY = 3;
    private static final String UP_LINES = "\u001b[%dA";
    private static final String CLEAR_LINE = "\r\u001b[2K";

    private final Terminal terminal;
    private final int nameColumns;
    private final long beganNanos = System.nanoTime();
    private final Map<String, Integer> reached = new HashMap<>();
    private final Map<String, Line> lines = new LinkedHashMap<>();
    private int linesDrawn;

    /** What is shown of one version. */
    private static final class Line {
        private final List<String> states = new ArrayList<>();
        private int state = -1;
        private long settledMillis;
    }

    VersionBoard(Terminal terminal, int nameColumns) {
        this.terminal = terminal;
        this.nameColumns = nameColumns;
    }

    /** From here on this version, {@code ns/name:1}, is shown. */
    synchronized void follow(String version) {
        lines.computeIfAbsent(version, v -> new Line());
        update(version);
    }

    /** A version is in this state, or was. */
    synchronized void moved(String version, String state) {
        reached.merge(version, STATES.indexOf(state), Math::max);
        update(version);
    }

    /** Waits until all versions shown are READY or FAILED, or the time is over; returns how many are READY. */
    synchronized long awaitSettled(long limitMillis) throws InterruptedException {
        long deadline = System.nanoTime() + limitMillis * 1_000_000;
        while (lines.values().stream().anyMatch(line -> line.state < FAILED)) {
            long leftMillis = (deadline - System.nanoTime()) / 1_000_000;
            if (leftMillis <= 0) {
                break;
            }
            wait(leftMillis);
        }
        return lines.values().stream().filter(line -> line.state == READY).count();
    }

    private void update(String version) {
        Line line = lines.get(version);
        int state = reached.getOrDefault(version, -1);
        if (line == null || state <= line.state) {
            return;
        }
        line.state = state;
        line.states.add(STATES.get(state));
        if (state >= FAILED) {
            line.settledMillis = (System.nanoTime() - beganNanos) / 1_000_000;
        }
        if (terminal.interactive()) {
            redraw();
        } else {
            terminal.out().println(text(version, line, STATES.get(state)));
        }
        notifyAll();
    }

    private void redraw() {
        var picture = new StringBuilder();
        if (linesDrawn > 0) {
            picture.append(String.format(UP_LINES, linesDrawn));
        }
        lines.forEach((version, line) -> picture.append(CLEAR_LINE)
                .append(text(version, line, String.join(" → ", line.states)))
                .append('\n'));
        linesDrawn = lines.size();
        terminal.out().print(picture);
        terminal.out().flush();
    }

    private String text(String version, Line line, String states) {
        return "  " + version + " ".repeat(Math.max(2, nameColumns + 2 - version.length())) + states
                + (line.state < FAILED ? "" : "   " + Standalone.seconds(line.settledMillis));
    }
}
