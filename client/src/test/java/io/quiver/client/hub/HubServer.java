package io.quiver.client.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;

/**
 * A hub of one repository, and beside it, on a port of its own, the host that stores its large files: real HTTP servers that
 * speak as Hugging Face's do. What goes wrong is said beforehand, answer by answer.
 */
final class HubServer implements AutoCloseable {
    static final String REPOSITORY = "team/tiny";
    static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";
    static final int LARGE_BYTES = 512;

    private final HttpServer hub = start();
    private final HttpServer storage = start();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Map<String, byte[]> files = new LinkedHashMap<>();
    private final Deque<Trouble> troubles = new ArrayDeque<>();
    private final List<String> extraSiblings = new ArrayList<>();
    private Optional<String> requiredToken = Optional.empty();
    private String etagSuffix = "";
    private boolean ranges = true;

    final List<Received> received = Collections.synchronizedList(new ArrayList<>());

    /** A request: to which of the two, its path, its headers. */
    record Received(boolean byHub, String path, Map<String, List<String>> headers) {
        Optional<String> header(String name) {
            return headers.getOrDefault(name, List.of()).stream().findFirst();
        }
    }

    HubServer() {
        hub.createContext("/api/models/", exchange -> handle(exchange, true, this::describe));
        hub.createContext("/", exchange -> handle(exchange, true, this::resolve));
        storage.createContext("/", exchange -> handle(exchange, false, this::send));
        hub.setExecutor(threads);
        storage.setExecutor(threads);
        hub.start();
        storage.start();
    }

    HubServer with(String path, byte[] content) {
        files.put(path, content);
        return this;
    }

    HubServer with(String path, String content) {
        return with(path, content.getBytes(StandardCharsets.UTF_8));
    }

    /** Something is in the description that no such content stands behind. */
    HubServer describing(String siblingJson) {
        extraSiblings.add(siblingJson);
        return this;
    }

    HubServer requiring(String token) {
        requiredToken = Optional.of(token);
        return this;
    }

    /** What befalls the next file requests, in turn; after these nothing does. */
    HubServer then(Trouble... next) {
        troubles.addAll(Arrays.asList(next));
        return this;
    }

    /** From here on the storage names its content otherwise, as if it had changed. */
    void renameTags() {
        etagSuffix = "-again";
    }

    void forgetRanges() {
        ranges = false;
    }

    HubSettings settings() {
        return new HubSettings(URI.create(url()), Optional.empty());
    }

    HubSettings settings(String token) {
        return new HubSettings(URI.create(url()), Optional.of(new AccessToken(token, "HF_TOKEN")));
    }

    String url() {
        return "http://127.0.0.1:" + hub.getAddress().getPort();
    }

    /** How often files were asked for, wherever they lie. */
    long fileRequests() {
        return received.stream()
                .filter(request -> request.path().contains("/resolve/"))
                .count();
    }

    private interface Answer {
        void to(HttpExchange exchange) throws IOException;
    }

    private void handle(HttpExchange exchange, boolean byHub, Answer answer) throws IOException {
        try (exchange) {
            received.add(
                    new Received(byHub, exchange.getRequestURI().toString(), Map.copyOf(exchange.getRequestHeaders())));
            if (byHub && requiredToken.isPresent()) {
                String sent = exchange.getRequestHeaders().getFirst("Authorization");
                if (!("Bearer " + requiredToken.get()).equals(sent)) {
                    exchange.getResponseHeaders().add("X-Error-Code", "RepoNotFound");
                    exchange.sendResponseHeaders(401, -1);
                    return;
                }
            }
            answer.to(exchange);
        }
    }

    private void describe(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getRawPath();
        String expected = "/api/models/" + REPOSITORY + "/revision/";
        if (!path.startsWith(expected)) {
            exchange.getResponseHeaders().add("X-Error-Code", "RepoNotFound");
            exchange.sendResponseHeaders(404, -1);
            return;
        }
        String revision = path.substring(expected.length());
        if (!List.of("main", COMMIT, "refs%2Fpr%2F1").contains(revision)) {
            exchange.getResponseHeaders().add("X-Error-Code", "RevisionNotFound");
            exchange.sendResponseHeaders(404, -1);
            return;
        }
        Trouble trouble = revision.equals(COMMIT) && !troubles.isEmpty() ? troubles.poll() : Trouble.NONE;
        Optional<byte[]> json = trouble.befall(exchange, description().getBytes(StandardCharsets.UTF_8));
        if (json.isPresent()) {
            exchange.sendResponseHeaders(200, json.get().length);
            exchange.getResponseBody().write(json.get());
        }
    }

    private String description() {
        List<String> siblings = files.entrySet().stream()
                .map(file -> isLarge(file.getValue())
                        ? "{\"rfilename\":\"%s\",\"size\":%d,\"blobId\":\"%s\",\"lfs\":{\"sha256\":\"%s\",\"size\":%d,\"pointerSize\":134}}"
                                .formatted(
                                        file.getKey(),
                                        file.getValue().length,
                                        "9".repeat(40),
                                        hex("SHA-256", file.getValue()),
                                        file.getValue().length)
                        : "{\"rfilename\":\"%s\",\"size\":%d,\"blobId\":\"%s\"}"
                                .formatted(file.getKey(), file.getValue().length, gitBlob(file.getValue())))
                .collect(Collectors.toCollection(ArrayList::new));
        siblings.addAll(extraSiblings);
        return "{\"id\":\"%s\",\"sha\":\"%s\",\"private\":false,\"siblings\":[%s]}"
                .formatted(REPOSITORY, COMMIT, String.join(",", siblings));
    }

    private void resolve(HttpExchange exchange) throws IOException {
        String prefix = "/" + REPOSITORY + "/resolve/" + COMMIT + "/";
        String path = exchange.getRequestURI().getPath();
        byte[] content = path.startsWith(prefix) ? files.get(path.substring(prefix.length())) : null;
        if (content == null) {
            exchange.getResponseHeaders().add("X-Error-Code", "EntryNotFound");
            exchange.sendResponseHeaders(404, -1);
        } else if (isLarge(content)) {
            exchange.getResponseHeaders().add("X-Linked-Etag", '"' + hex("SHA-256", content) + '"');
            exchange.getResponseHeaders()
                    .add(
                            "Location",
                            "http://127.0.0.1:" + storage.getAddress().getPort() + "/" + path.substring(prefix.length())
                                    + "?signature=s");
            exchange.sendResponseHeaders(302, -1);
        } else {
            send(exchange, content);
        }
    }

    private void send(HttpExchange exchange) throws IOException {
        send(exchange, files.get(exchange.getRequestURI().getPath().substring(1)));
    }

    private void send(HttpExchange exchange, byte[] whole) throws IOException {
        Trouble trouble = troubles.isEmpty() ? Trouble.NONE : troubles.poll();
        String etag = '"' + hex("MD5", whole) + etagSuffix + '"';
        exchange.getResponseHeaders().add("ETag", etag);
        Optional<byte[]> content = trouble.befall(exchange, whole);
        if (content.isEmpty()) {
            return;
        }
        String range = exchange.getRequestHeaders().getFirst("Range");
        String ifRange = exchange.getRequestHeaders().getFirst("If-Range");
        byte[] sent = content.get();
        if (ranges && range != null && (ifRange == null || ifRange.equals(etag))) {
            int from = Integer.parseInt(range.substring("bytes=".length(), range.length() - 1));
            if (from >= sent.length) {
                exchange.sendResponseHeaders(416, -1);
                return;
            }
            exchange.getResponseHeaders()
                    .add("Content-Range", "bytes " + from + "-" + (sent.length - 1) + "/" + sent.length);
            exchange.sendResponseHeaders(206, sent.length - from);
            exchange.getResponseBody().write(sent, from, sent.length - from);
        } else {
            exchange.sendResponseHeaders(200, sent.length == 0 ? -1 : sent.length);
            exchange.getResponseBody().write(sent);
        }
    }

    private static boolean isLarge(byte[] content) {
        return content.length > LARGE_BYTES;
    }

    private static String gitBlob(byte[] content) {
        byte[] head = ("blob " + content.length + "\0").getBytes(StandardCharsets.US_ASCII);
        byte[] both = Arrays.copyOf(head, head.length + content.length);
        System.arraycopy(content, 0, both, head.length, content.length);
        return hex("SHA-1", both);
    }

    private static String hex(String algorithm, byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static HttpServer start() {
        try {
            return HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        hub.stop(0);
        storage.stop(0);
        threads.shutdownNow();
    }
}
