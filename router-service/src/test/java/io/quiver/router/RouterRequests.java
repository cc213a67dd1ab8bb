package io.quiver.router;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** How tests ask a router. In JSON for it, ' stands for ". */
final class RouterRequests {
    static final JsonMapper JSON = JsonMapper.builder().build();
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private RouterRequests() {}

    static HttpRequest request(RunningRouter router, String path, String json) {
        return HttpRequest.newBuilder(router.url(path))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(json.replace('\'', '"')))
                .build();
    }

    static HttpResponse<String> post(RunningRouter router, String path, String json) throws Exception {
        return HTTP.send(request(router, path, json), BodyHandlers.ofString());
    }

    /** What is found at a path. */
    static JsonNode get(RunningRouter router, String path) throws Exception {
        HttpResponse<String> response =
                HTTP.send(HttpRequest.newBuilder(router.url(path)).build(), BodyHandlers.ofString());
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return JSON.readTree(response.body());
    }

    /** The answer to a request that must succeed. */
    static JsonNode answer(RunningRouter router, String path, String json) throws Exception {
        HttpResponse<String> response = post(router, path, json);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return JSON.readTree(response.body());
    }

    /** The error of a request that must be refused. */
    static JsonNode refused(RunningRouter router, String path, String json, int status) throws Exception {
        HttpResponse<String> response = post(router, path, json);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        return JSON.readTree(response.body()).path("error");
    }

    /** The answer to a GET that must end with that status. */
    static JsonNode get(RunningRouter router, String pathAndQuery, int status) throws Exception {
        HttpResponse<String> response =
                HTTP.send(HttpRequest.newBuilder(router.url(pathAndQuery)).build(), BodyHandlers.ofString());
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        return JSON.readTree(response.body());
    }

    /** The chunks of a stream, which must end as streams end. */
    static List<JsonNode> chunks(RunningRouter router, String path, String json) throws Exception {
        HttpResponse<String> response = post(router, path, json);
        assertThat(response.headers().firstValue("content-type").orElseThrow()).startsWith("text/event-stream");
        assertThat(response.body()).endsWith("data: [DONE]\n\n");
        List<JsonNode> chunks = new ArrayList<>();
        for (String line : response.body().split("\n")) {
            if (line.startsWith("data: ") && !line.equals("data: [DONE]")) {
                chunks.add(JSON.readTree(line.substring("data: ".length())));
            }
        }
        return chunks;
    }
}
