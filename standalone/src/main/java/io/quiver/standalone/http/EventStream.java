package io.quiver.standalone.http;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The server-sent events of one connection. Used by one thread, but closed by any. */
public final class EventStream implements AutoCloseable {
    private static final String DATA = "data:";

    private final InputStream body;
    private final BufferedReader lines;

    private EventStream(InputStream body) {
        this.body = body;
        this.lines = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8));
    }

    public static EventStream open(Calls calls, String path) throws IOException {
        return new EventStream(calls.open(path));
    }

    /** The data of the next event, or nothing at the end of the stream. Waits for it. Comments are passed over. */
    public Optional<JsonNode> next() throws IOException {
        var data = new StringBuilder();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.startsWith(DATA)) {
                data.append(data.length() == 0 ? "" : "\n")
                        .append(line.substring(DATA.length()).stripLeading());
            } else if (line.isEmpty() && data.length() > 0) {
                return Optional.of(JsonMapper.shared().readTree(data.toString()));
            }
        }
        return Optional.empty();
    }

    @Override
    public void close() throws IOException {
        body.close();
    }
}
