package io.quiver.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.standalone.http.Answer;
import io.quiver.standalone.http.Calls;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Somebody who uses a stack over HTTP: uploads the reference case's model and experts, and completes with them. */
final class Client {
    static final String NAMESPACE = "reference";
    private static final JsonMapper JSON = JsonMapper.shared();

    private final Calls registry;
    private final Calls router;

    Client(StandalonePorts ports) {
        registry = new Calls(URI.create("http://127.0.0.1:" + ports.registry()));
        router = new Calls(URI.create("http://127.0.0.1:" + ports.router()));
    }

    Calls registry() {
        return registry;
    }

    /** Uploads base and experts; each answer is checked to be a creation. */
    void upload() throws Exception {
        assertThat(registry.post("/v1/base-models?name=llama", ReferenceCase.base()))
                .matches(answer -> answer.status() == 201, "201");
        for (String expert : ReferenceCase.EXPERTS) {
            assertThat(registry.post(
                            "/v1/adapters/" + NAMESPACE + "/" + expert + "/versions", ReferenceCase.expert(expert)))
                    .matches(answer -> answer.status() == 201, "201");
        }
    }

    String state(String expert) {
        return registry.get("/v1/adapters/" + NAMESPACE + "/" + expert + "/versions/1")
                .body()
                .path("state")
                .asString("");
    }

    /** The reference case's prompt, continued by the base with all three experts. */
    Answer complete(ReferenceCase reference) {
        ObjectNode request = JSON.createObjectNode().put("model", "llama").put("temperature", 0);
        request.put("max_tokens", reference.greedy().size());
        reference.prompt().forEach(request.putArray("prompt")::add);
        routing(request);
        return router.post("/v1/completions", request);
    }

    Answer chat(String question) {
        ObjectNode request = JSON.createObjectNode().put("model", "llama").put("temperature", 0);
        request.put("max_tokens", 16);
        request.putArray("messages").addObject().put("role", "user").put("content", question);
        routing(request);
        return router.post("/v1/chat/completions", request);
    }

    private static void routing(ObjectNode request) {
        ObjectNode routing = request.putObject("routing");
        routing.put("strategy", "arrow").put("top_k", 3).put("temperature", 1.0).put("trace", "tokens");
        var experts = routing.putArray("experts");
        ReferenceCase.EXPERTS.forEach(expert -> experts.add(NAMESPACE + "/" + expert));
    }

    /** The ids of the tokens of an answer, from its trace. */
    static List<Integer> tokens(Answer answer) {
        var ids = new ArrayList<Integer>();
        for (JsonNode token : answer.body().path("routing").path("trace").path("tokens")) {
            ids.add(token.path("token").asInt());
        }
        return ids;
    }
}
