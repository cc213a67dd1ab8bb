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

    private final HttpServletResponse response;
    private final OutputStream out;

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
        response.flushBuffer();
    }

    /** A comment: keeps the connection, and finds out whether somebody is still there. */
    void alive() throws IOException {
        out.write(ALIVE);
        response.flushBuffer();
    }

    void done() throws IOException {
        out.write(DONE);
        response.flushBuffer();
    }
}
