package io.quiver.client.hub;

import io.quiver.client.IdleTimeoutStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Single requests to a hub and to the hosts that it sends us on to. Only the hub itself sees the token. Thread-safe. */
final class HubRequests {
    static final int RANGE_NOT_SATISFIABLE = 416;
    private static final int REDIRECTS_MAX = 5;
    private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);
    private static final Duration ANSWER_MAX = Duration.ofSeconds(60);

    private final HubSettings settings;
    private final HubLimits limits;
    private final HttpClient client;

    HubRequests(HubSettings settings, HubLimits limits) {
        this.settings = settings;
        this.limits = limits;
        // Redirects are followed here, because the token must not be.
        this.client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(Duration.ofSeconds(15))
                .followRedirects(HttpClient.Redirect.NEVER)
                .build();
    }

    /**
     * Asks for something of a repository. The answer has status 200, 206 or 416; the caller closes it.
     *
     * @param path below the hub's address, with its slash, encoded
     * @throws HubRefusedException if the hub says no
     * @throws TransientFailureException if another attempt may help
     */
    Answer get(ModelReference reference, String path, Map<String, String> headers) throws TransientFailureException {
        URI address = URI.create(settings.endpoint() + path);
        for (int redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
            HttpResponse<InputStream> response = send(address, headers);
            if (!REDIRECTS.contains(response.statusCode())) {
                return checked(reference, address, response);
            }
            URI from = address;
            address = header(response, "location")
                    .map(location -> resolve(from, location))
                    .orElseThrow(() -> new UnexpectedHubAnswerException(from.getHost() + " sends us on to nowhere"));
            discard(response);
        }
        throw new UnexpectedHubAnswerException(
                settings.endpoint() + " sends us on more than " + REDIRECTS_MAX + " times");
    }

    /** A response whose body is read as it comes. */
    record Answer(int status, HttpResponse<InputStream> response, InputStream body) implements AutoCloseable {
        Optional<String> header(String name) {
            return response.headers().firstValue(name);
        }

        @Override
        public void close() throws IOException {
            body.close();
        }
    }

    private HttpResponse<InputStream> send(URI address, Map<String, String> headers) throws TransientFailureException {
        HttpRequest.Builder request = HttpRequest.newBuilder(address)
                .timeout(ANSWER_MAX)
                .header("User-Agent", "quiver")
                .GET();
        headers.forEach(request::header);
        if (settings.isOwn(address)) {
            settings.token().ifPresent(token -> request.header("Authorization", "Bearer " + token.secret()));
        }
        try {
            return client.send(request.build(), BodyHandlers.ofInputStream());
        } catch (IOException e) {
            throw new TransientFailureException("no answer from " + address.getHost() + ": " + why(e), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new HubUnreachableException("the pull was interrupted", e);
        }
    }

    private Answer checked(ModelReference reference, URI address, HttpResponse<InputStream> response)
            throws TransientFailureException {
        int status = response.statusCode();
        if (status == 200 || status == 206 || status == RANGE_NOT_SATISFIABLE) {
            return new Answer(status, response, new IdleTimeoutStream(response.body(), limits.silenceMax()));
        }
        discard(response);
        // Where files are stored, addresses are signed and grow old: the hub gives a fresh one the next time.
        if (status == 408 || status == 429 || status >= 500 || !settings.isOwn(address)) {
            throw new TransientFailureException(
                    address.getHost() + " answered with status " + status, retryAfter(response));
        }
        throw new HubRefusedException(status, new Refusal(settings, reference, status, response.headers()).message());
    }

    private URI resolve(URI from, String location) {
        URI next;
        try {
            next = from.resolve(location);
        } catch (IllegalArgumentException e) {
            throw new UnexpectedHubAnswerException(from.getHost() + " sends us on to '" + location + "'", e);
        }
        String scheme = String.valueOf(next.getScheme());
        if (next.getHost() == null || !(scheme.equals("https") || scheme.equals(from.getScheme()))) {
            throw new UnexpectedHubAnswerException(
                    from.getHost() + " sends us on to " + next + ", which is not as safe as " + from.getScheme());
        }
        return next;
    }

    /** Seconds, or a date, counted from the server's own. */
    private static Optional<Duration> retryAfter(HttpResponse<?> response) {
        Optional<String> value = header(response, "retry-after");
        if (value.isEmpty()) {
            return Optional.empty();
        }
        if (value.get().matches("[0-9]{1,9}")) {
            return Optional.of(Duration.ofSeconds(Long.parseLong(value.get())));
        }
        try {
            Optional<ZonedDateTime> now = header(response, "date").map(HubRequests::date);
            ZonedDateTime then = date(value.get());
            return now.map(from -> Duration.between(from, then)).filter(wait -> !wait.isNegative());
        } catch (DateTimeException e) {
            return Optional.empty();
        }
    }

    private static ZonedDateTime date(String text) {
        return ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME);
    }

    private static Optional<String> header(HttpResponse<?> response, String name) {
        return response.headers().firstValue(name);
    }

    private static void discard(HttpResponse<InputStream> response) {
        try {
            response.body().close();
        } catch (IOException e) {
            // Nothing of it was wanted.
            return;
        }
    }

    static String why(IOException e) {
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }
}
