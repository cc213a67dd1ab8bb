package io.quiver.router.web;

import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import tools.jackson.databind.JsonNode;

/** Server-sent events on one response, each flushed at once. A client that has gone is an {@link IOException}. */
final class EventStream {
    private static final byte[] DATA = "data: ".getBytes(StandardCharsets.UTF_8);
    private static final byte[] END = "\n\n".getBytes(StandardCharsets.UTF_8);
    private static final byte[] DONE = "data: [DONE]\n\n".getBytes(StandardCharsets.UTF_8);
    private static final byte[] ALIVE = ": \n\n".getBytes(StandardCharsets.UTF_8);

    private static final long ALIVE_NANOS = 2_000_000_000;

    private final HttpServletResponse response;
    private final OutputStream out;
    private long lastNanos = System.nanoTime();

    EventStream(HttpServletResponse response) throws IOException {
        response.setContentType("text/event-stream;charset=UTF-8");
        response.setHeader("Cache-Control", "no-cache");
        // Proxies that gather responses would hold back the tokens.
        response.setHeader("X-Accel-Buffering", "no");
        this.response = response;
        this.out = response.getOutputStream();
    }

    void send(JsonNode data) throws IOException {
        out.write(DATA);
        out.write(Json.write(data));
        out.write(END);
        flush();
    }

    /** A comment, if there was nothing for a while: keeps what lies between from giving the connection up. */
    void alive() throws IOException {
        if (System.nanoTime() - lastNanos > ALIVE_NANOS) {
            out.write(ALIVE);
            flush();
        }
    }

    private void flush() throws IOException {
        response.flushBuffer();
        lastNanos = System.nanoTime();
    }

    void done() throws IOException {
        out.write(DONE);
        flush();
    }
}
