package io.quiver.cli;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;

/** A real HTTP server that answers as the contract says: one answer a route, or several in turn. */
final class ContractServer implements AutoCloseable {
    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Map<String, List<Answer>> answers = new HashMap<>();
    private final Map<String, Function<Received, Answer>> thinking = new HashMap<>();
    final List<Received> received = Collections.synchronizedList(new ArrayList<>());

    /** What came in: {@code GET /path?query}, headers, body. */
    record Received(String line, Map<String, List<String>> headers, byte[] body) {
        String text() {
            return new String(body, StandardCharsets.UTF_8);
        }

        String header(String name) {
            return headers.getOrDefault(name, List.of("")).get(0);
        }
    }

    /** @param retryAfter seconds; empty for none */
    record Answer(int status, String contentType, String body, String retryAfter) {
        static Answer json(int status, String json) {
            return new Answer(status, "application/json", json, "");
        }
    }

    ContractServer() {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.createContext("/", this::handle);
        server.setExecutor(threads);
        server.start();
    }

    /** Answers a route, {@code GET /path} without query; the last answer stays. */
    ContractServer on(String route, int status, String json) {
        return on(route, status, "application/json", json);
    }

    ContractServer onStream(String route, String events) {
        return on(route, 200, "text/event-stream", events);
    }

    /** Answers a route by what was asked. */
    ContractServer on(String route, Function<Received, Answer> answer) {
        thinking.put(route, answer);
        return this;
    }

    private ContractServer on(String route, int status, String contentType, String body) {
        answers.computeIfAbsent(route, key -> Collections.synchronizedList(new ArrayList<>()))
                .add(new Answer(status, contentType, body, ""));
        return this;
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    Map<String, String> environment() {
        return Map.of("QUIVER_REGISTRY", url(), "QUIVER_ROUTER", url());
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            byte[] body = exchange.getRequestBody().readAllBytes();
            String method = exchange.getRequestMethod();
            Received request = new Received(
                    method + " " + exchange.getRequestURI(), Map.copyOf(exchange.getRequestHeaders()), body);
            received.add(request);
            Answer answer = answer(method + " " + exchange.getRequestURI().getPath(), request);
            byte[] bytes = answer.body.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().add("Content-Type", answer.contentType);
            if (!answer.retryAfter.isEmpty()) {
                exchange.getResponseHeaders().add("Retry-After", answer.retryAfter);
            }
            exchange.sendResponseHeaders(answer.status, bytes.length == 0 ? -1 : bytes.length);
            exchange.getResponseBody().write(bytes);
        }
    }

    private Answer answer(String route, Received request) {
        if (thinking.containsKey(route)) {
            return thinking.get(route).apply(request);
        }
        List<Answer> turn = answers.get(route);
        if (turn == null) {
            return new Answer(
                    404, "application/problem+json", "{\"code\":\"route_unknown\",\"detail\":\"no such route\"}", "");
        }
        return turn.size() > 1 ? turn.remove(0) : turn.get(0);
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
