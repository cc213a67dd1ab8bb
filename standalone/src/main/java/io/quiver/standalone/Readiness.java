package io.quiver.standalone;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** Whether a service says that it can do its work. */
final class Readiness {
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final Duration ASK_LIMIT = Duration.ofSeconds(10);
    private static final long PAUSE_MILLIS = 50;
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private Readiness() {}

    /** Returns when {@code /actuator/health/readiness} answers 200; throws {@link StandaloneException} after two minutes. */
    static void await(URI service) {
        HttpRequest ask = HttpRequest.newBuilder(service.resolve("/actuator/health/readiness"))
                .timeout(ASK_LIMIT)
                .build();
        long deadline = System.nanoTime() + LIMIT.toNanos();
        String answer = "";
        try {
            while (System.nanoTime() < deadline) {
                HttpResponse<String> response = HTTP.send(ask, HttpResponse.BodyHandlers.ofString());
                if (response.statusCode() == 200) {
                    return;
                }
                answer = response.body();
                Thread.sleep(PAUSE_MILLIS);
            }
        } catch (IOException e) {
            throw new StandaloneException("no answer about its health", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StandaloneException("interrupted while starting", e);
        }
        throw new StandaloneException("not ready within " + LIMIT.toSeconds() + " s: " + answer, null);
    }
}
