package io.quiver.client;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads a {@code text/event-stream} as the HTML standard says: comments are skipped, data lines are joined, an event that
 * the end of the stream cuts off is dropped. Not thread-safe.
 */
public final class ServerSentEvents implements AutoCloseable {
    /** A line of more characters than this is no event of ours. */
    static final int LINE_CHARS_MAX = 16 << 20;

    private final BufferedReader lines;
    private String lastId = "";
    private boolean afterCarriageReturn;

    public ServerSentEvents(InputStream stream) {
        this.lines = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8));
    }

    /**
     * Waits for the next event; nothing at the end of the stream.
     *
     * @throws IOException if the connection breaks or a line is longer than {@value #LINE_CHARS_MAX} characters
     */
    public Optional<ServerSentEvent> next() throws IOException {
        String type = "";
        StringBuilder data = new StringBuilder();
        boolean hasData = false;
        for (String line = readLine(); line != null; line = readLine()) {
            if (line.isEmpty()) {
                if (hasData) {
                    return Optional.of(new ServerSentEvent(lastId, type.isEmpty() ? "message" : type, data.toString()));
                }
                type = "";
                continue;
            }
            int colon = line.indexOf(':');
            String field = colon < 0 ? line : line.substring(0, colon);
            String value = colon < 0 ? "" : line.substring(colon + (line.startsWith(" ", colon + 1) ? 2 : 1));
            switch (field) {
                case "event" -> type = value;
                case "data" -> {
                    data.append(hasData ? "\n" : "").append(value);
                    hasData = true;
                }
                case "id" -> lastId = value.indexOf('\0') < 0 ? value : lastId;
                default -> {
                    // A comment (nothing before the colon), a retry time, or a field of a later standard.
                }
            }
        }
        return Optional.empty();
    }

    /** A line without its end, which is LF, CR or CRLF; null at the end of the stream, whatever was begun. */
    private @Nullable String readLine() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = lines.read(); c >= 0; c = lines.read()) {
            boolean secondHalfOfLineEnd = afterCarriageReturn && c == '\n';
            afterCarriageReturn = c == '\r';
            if (secondHalfOfLineEnd || c == '\uFEFF') {
                continue;
            }
            if (c == '\n' || c == '\r') {
                return line.toString();
            }
            if (line.length() == LINE_CHARS_MAX) {
                throw new IOException("a line of the event stream has more than " + LINE_CHARS_MAX + " characters");
            }
            line.append((char) c);
        }
        return null;
    }

    @Override
    public void close() throws IOException {
        lines.close();
    }
}
