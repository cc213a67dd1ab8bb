package io.quiver.terminal;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Where a command writes, and what it may assume about the reader.
 *
 * @param out answers
 * @param err what went wrong
 * @param interactive whether a line may be drawn over: false where the output goes to a file or a pipe
 * @param colour whether colours are wanted
 * @param columns characters in a line
 */
public record Terminal(PrintStream out, PrintStream err, boolean interactive, boolean colour, int columns) {
    private static final int COLUMNS_DEFAULT = 80;
    private static final int COLUMNS_MIN = 40;
    private static final String ESCAPE = "\u001b[";

    public Terminal {
        columns = Math.max(COLUMNS_MIN, columns);
    }

    /** How a piece of text is shown. */
    public enum Style {
        BOLD("1"),
        DIM("2"),
        RED("31"),
        GREEN("32"),
        YELLOW("33"),
        BLUE("34");

        private final String code;

        Style(String code) {
            this.code = code;
        }
    }

    /** The terminal of this process: UTF-8, colours unless {@code NO_COLOR} is set or nobody looks. */
    public static Terminal ofProcess(Map<String, String> environment) {
        boolean interactive = isTerminal(1) && !"dumb".equals(environment.get("TERM"));
        boolean colour = interactive && environment.getOrDefault("NO_COLOR", "").isEmpty();
        return new Terminal(
                new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8),
                new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8),
                interactive,
                colour,
                interactive ? columnsOf(environment) : COLUMNS_DEFAULT);
    }

    /** Where to say what is no answer: here on a terminal, and {@code err} where the output goes to a file or a pipe. */
    public Terminal aside() {
        return interactive ? this : new Terminal(err, err, false, colour, columns);
    }

    /** Text in a style, or as it is where colours are not wanted. */
    public String paint(Style style, String text) {
        return paint(style.code, text);
    }

    /** Text in the colour of the n-th thing of a legend, as it is if n is negative; after a dozen, colours come again. */
    public String paint(int legendIndex, String text) {
        return legendIndex < 0 ? text : paint(Palette.code(legendIndex), text);
    }

    /** Text on a ground that is the warmer the more it says, 0 cool to 1 hot; as it is where colours are not wanted. */
    public String heat(double fraction, String text) {
        return paint(Palette.heat(fraction), text);
    }

    /** The name of the n-th thing of a legend, behind a square in its colour. */
    public String legend(int legendIndex, String name) {
        return paint(legendIndex, "■ " + name);
    }

    /** Text that somebody else made up, which must not move the cursor or set the terminal's title. */
    public static String printable(String text) {
        return text.replaceAll("[\\p{Cc}&&[^\n\t]]", "\uFFFD");
    }

    private String paint(String code, String text) {
        return colour && !text.isEmpty() ? ESCAPE + code + "m" + text + ESCAPE + "0m" : text;
    }

    /** Draws a line over the one before; only where {@link #interactive}. */
    void redraw(String line) {
        out.print("\r" + line + ESCAPE + "K");
        out.flush();
    }

    /** Shows what is being done, until the next line is printed; nothing where nobody looks. Empty text clears it. */
    public void progress(String text) {
        if (interactive) {
            redraw(text.length() < columns ? text : text.substring(0, columns - 1));
            if (text.isEmpty()) {
                out.print("\r");
            }
        }
    }

    /** Whether a file descriptor of this process is a terminal: by /proc where there is one, else as Java sees it. */
    private static boolean isTerminal(int descriptor) {
        Path link = Path.of("/proc/self/fd/" + descriptor);
        try {
            String target = Files.readSymbolicLink(link).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException | UnsupportedOperationException e) {
            return System.console() != null;
        }
    }

    private static int columnsOf(Map<String, String> environment) {
        String columns = environment.get("COLUMNS");
        if (columns != null && columns.matches("[0-9]{1,4}")) {
            return Integer.parseInt(columns);
        }
        try {
            Process stty = new ProcessBuilder("stty", "size")
                    .redirectInput(Path.of("/dev/tty").toFile())
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            if (!stty.waitFor(1, TimeUnit.SECONDS)) {
                stty.destroyForcibly();
                return COLUMNS_DEFAULT;
            }
            String size = new String(stty.getInputStream().readNBytes(32), StandardCharsets.US_ASCII).trim();
            return size.matches("[0-9]{1,4} [1-9][0-9]{0,3}")
                    ? Integer.parseInt(size.substring(size.indexOf(' ') + 1))
                    : COLUMNS_DEFAULT;
        } catch (IOException e) {
            return COLUMNS_DEFAULT;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return COLUMNS_DEFAULT;
        }
    }
}
