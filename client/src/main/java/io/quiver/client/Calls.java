package io.quiver.client;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Requests to one service. What goes wrong becomes a {@link ServerException}. Thread-safe. */
final class Calls {
    static final JsonMapper JSON = JsonMapper.shared();
    private static final int ANSWER_BYTES_MAX = 64 << 20;

    private final HttpClient client;
    private final String service;
    private final URI server;

    /** @param service {@code registry} or {@code router}, for messages */
    Calls(String service, URI server) {
        this.client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(Duration.ofSeconds(5))
                .build();
        this.service = service;
        String text = server.toString();
        this.server = URI.create(text.endsWith("/") ? text.substring(0, text.length() - 1) : text);
    }

    HttpRequest.Builder request(String pathAndQuery) {
        return HttpRequest.newBuilder(URI.create(server + pathAndQuery));
    }

    /** What a service answered, JSON of a status below 400. */
    record Answer(int status, JsonNode body) {}

    Answer get(String pathAndQuery) {
        return send(request(pathAndQuery).timeout(Duration.ofSeconds(60)).GET().build());
    }

    /** @param limit how long the whole answer may take */
    Answer post(String path, JsonNode body, Duration limit) {
        return send(request(path)
                .timeout(limit)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body.toString()))
                .build());
    }

    Answer send(HttpRequest request) {
        HttpResponse<InputStream> response = open(request);
        return new Answer(response.statusCode(), json(read(response)));
    }

    /** Sends a request whose answer is read as it comes; a refusal is thrown. */
    HttpResponse<InputStream> open(HttpRequest request) {
        HttpResponse<InputStream> response;
        try {
            response = client.send(request, BodyHandlers.ofInputStream());
        } catch (ConnectException e) {
            throw ServerUnreachableException.refused(service, server, e);
        } catch (IOException e) {
            throw hasCause(e, ConnectException.class)
                    ? ServerUnreachableException.refused(service, server, e)
                    : broken(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw broken(e);
        }
        if (response.statusCode() >= 400) {
            throw refusal(response.statusCode(), read(response)).withRetryAfter(retryAfter(response));
        }
        return response;
    }

    /** Seconds, which is the form that the services use; a date is taken for nothing said. */
    private static Optional<Duration> retryAfter(HttpResponse<?> response) {
        return response.headers()
                .firstValue("Retry-After")
                .filter(text -> text.matches("[0-9]{1,6}"))
                .map(text -> Duration.ofSeconds(Long.parseLong(text)));
    }

    ServerUnreachableException broken(Exception cause) {
        return ServerUnreachableException.broken(service, server, cause);
    }

    JsonNode json(byte[] body) {
        try {
            return JSON.readTree(body);
        } catch (JacksonException e) {
            throw new UnexpectedAnswerException(
                    "what answers at " + server + " does not speak as a " + service + " does: " + excerpt(body), e);
        }
    }

    private byte[] read(HttpResponse<InputStream> response) {
        try (InputStream body = response.body()) {
            byte[] bytes = body.readNBytes(ANSWER_BYTES_MAX + 1);
            if (bytes.length > ANSWER_BYTES_MAX) {
                throw new UnexpectedAnswerException("the answer has more than " + ANSWER_BYTES_MAX + " bytes");
            }
            return bytes;
        } catch (IOException e) {
            throw broken(e);
        }
    }

    /** Reads problem+json of the registry, and the envelope {@code {"error": {…}}} of the router. */
    private static RefusedException refusal(int status, byte[] body) {
        JsonNode problem;
        try {
            problem = JSON.readTree(body);
        } catch (JacksonException e) {
            return new RefusedException(status, "", "status " + status + ": " + excerpt(body), List.of());
        }
        JsonNode error = problem.path("error");
        if (error.isObject()) {
            String param = text(error.path("param"));
            String message = firstOf(text(error.path("message")), "status " + status);
            return new RefusedException(
                    status,
                    firstOf(text(error.path("code")), ""),
                    param == null ? message : message + " (" + param + ")",
                    List.of());
        }
        List<Violation> violations = new ArrayList<>();
        for (JsonNode violation : problem.path("violations")) {
            violations.add(new Violation(
                    firstOf(text(violation.path("code")), "unknown"),
                    firstOf(text(violation.path("message")), ""),
                    text(violation.path("where"))));
        }
        String message =
                firstOf(text(problem.path("detail")), firstOf(text(problem.path("title")), "status " + status));
        return new RefusedException(status, firstOf(text(problem.path("code")), ""), message, violations);
    }

    private static String firstOf(@Nullable String text, String otherwise) {
        return text == null || text.isEmpty() ? otherwise : text;
    }

    private static @Nullable String text(JsonNode node) {
        return node.isString() && !node.stringValue().isEmpty() ? node.stringValue() : null;
    }

    private static String excerpt(byte[] body) {
        String text = new String(body, 0, Math.min(body.length, 300), StandardCharsets.UTF_8).strip();
        return text.isEmpty() ? "(no text)" : text.replaceAll("\\s+", " ");
    }

    private static boolean hasCause(Throwable thrown, Class<? extends Throwable> kind) {
        for (Throwable cause = thrown.getCause(); cause != null; cause = cause.getCause()) {
            if (kind.isInstance(cause)) {
                return true;
            }
        }
        return false;
    }
}
