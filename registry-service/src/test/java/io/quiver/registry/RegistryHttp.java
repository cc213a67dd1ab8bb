package io.quiver.registry;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The registry as any HTTP client sees it. */
public final class RegistryHttp {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String BOUNDARY = "quiver-test-boundary";

    private final HttpClient client = HttpClient.newHttpClient();
    private final URI server;

    RegistryHttp(URI server) {
        this.server = server;
    }

    public record Answer(int status, JsonNode body, Map<String, List<String>> headers) {
        public Optional<String> header(String name) {
            return headers.entrySet().stream()
                    .filter(header -> header.getKey().equalsIgnoreCase(name))
                    .map(header -> header.getValue().get(0))
                    .findFirst();
        }

        public String code() {
            return body.path("code").asString("");
        }

        /** The codes of all violations, in their order. */
        public List<String> violations() {
            return body.path("violations")
                    .valueStream()
                    .map(violation -> violation.path("code").asString())
                    .toList();
        }
    }

    /** A multipart form; parts named {@code base} and {@code labels} are text, all others files. */
    public static final class Form {
        private final Map<String, byte[]> parts = new LinkedHashMap<>();

        public Form part(String name, byte[] content) {
            parts.put(name, content);
            return this;
        }

        public Form part(String name, String content) {
            return part(name, content.getBytes(StandardCharsets.UTF_8));
        }

        byte[] toBytes() {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            parts.forEach((name, content) -> {
                boolean text = name.equals("base") || name.equals("labels");
                String head = "--" + BOUNDARY + "\r\nContent-Disposition: form-data; name=\"" + name + "\""
                        + (text ? "" : "; filename=\"" + name + "\"") + "\r\n\r\n";
                out.writeBytes(head.getBytes(StandardCharsets.UTF_8));
                out.writeBytes(content);
                out.writeBytes("\r\n".getBytes(StandardCharsets.UTF_8));
            });
            out.writeBytes(("--" + BOUNDARY + "--\r\n").getBytes(StandardCharsets.UTF_8));
            return out.toByteArray();
        }
    }

    public URI uri(String path) {
        return URI.create(server + path);
    }

    public Answer get(String path) {
        return send(HttpRequest.newBuilder(uri(path)));
    }

    public Answer upload(String path, Form form) {
        return post(path, "multipart/form-data; boundary=" + BOUNDARY, form.toBytes());
    }

    public Answer post(String path, String contentType, byte[] body) {
        return send(HttpRequest.newBuilder(uri(path))
                .header("Content-Type", contentType)
                .POST(BodyPublishers.ofByteArray(body)));
    }

    public Answer send(String method, String path, String json, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri(path))
                .header("Content-Type", "application/json")
                .method(method, json.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(json));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return send(request);
    }

    private Answer send(HttpRequest.Builder request) {
        try {
            HttpResponse<byte[]> response = client.send(request.build(), BodyHandlers.ofByteArray());
            JsonNode body = response.body().length == 0 ? JSON.missingNode() : JSON.readTree(response.body());
            return new Answer(response.statusCode(), body, response.headers().map());
        } catch (IOException e) {
            throw new IllegalStateException(request.build().uri() + ": " + e, e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
