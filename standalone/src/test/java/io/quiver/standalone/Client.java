package io.quiver.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.client.MultipartBody;
import io.quiver.client.RegistryClient;
import io.quiver.client.RegistryClient.Uploaded;
import io.quiver.client.RouterClient;
import io.quiver.client.Routing;
import io.quiver.schemas.AdapterName;
import java.net.URI;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Somebody who uses a stack over HTTP: uploads the reference case's model and experts, and completes with them. */
final class Client {
    static final String NAMESPACE = "reference";
    private static final JsonMapper JSON = JsonMapper.shared();

    private final RegistryClient registry;
    private final RouterClient router;

    Client(StandalonePorts ports) {
        registry = new RegistryClient(URI.create("http://127.0.0.1:" + ports.registry()));
        router = new RouterClient(URI.create("http://127.0.0.1:" + ports.router()));
    }

    RegistryClient registry() {
        return registry;
    }

    /** Uploads base and experts; each answer is checked to be a creation. */
    void upload() throws Exception {
        assertThat(registry.addBaseModel("llama", registry.multipart(ReferenceCase.base()), sent -> {}))
                .matches(Uploaded::created);
        for (String expert : ReferenceCase.EXPERTS) {
            MultipartBody body =
                    registry.multipart(ReferenceCase.expert(expert)).text("base", "llama");
            assertThat(registry.addVersion(new AdapterName(NAMESPACE, expert), body, sent -> {}))
                    .matches(Uploaded::created);
        }
    }

    String state(String expert) {
        return registry.version(new AdapterName(NAMESPACE, expert), "1")
                .path("state")
                .asString("");
    }

    /** What serves as the base's calibration; missing if nothing does yet. */
    JsonNode calibrated() {
        return registry.baseModel("llama").path("calibration").path("calibrated");
    }

    /** Digests of the calibrations that an expert has evidence against, newest first. */
    List<String> evidence(String expert) {
        return registry.version(new AdapterName(NAMESPACE, expert), "1")
                .path("evidence")
                .valueStream()
                .map(evidence -> evidence.path("calibration").path("digest").asString())
                .toList();
    }

    /** The reference case's prompt, continued by the base with all three experts. */
    Routing complete(ReferenceCase reference) {
        ObjectNode request = JSON.createObjectNode().put("model", "llama").put("temperature", 0);
        request.put("max_tokens", reference.greedy().size());
        reference.prompt().forEach(request.putArray("prompt")::add);
        routing(request);
        return Routing.of(router.complete(request).path("routing"));
    }

    Routing chat(String question) {
        ObjectNode request = JSON.createObjectNode().put("model", "llama").put("temperature", 0);
        request.put("max_tokens", 16);
        request.putArray("messages").addObject().put("role", "user").put("content", question);
        routing(request);
        return Routing.of(router.chat(request).path("routing"));
    }

    private static void routing(ObjectNode request) {
        ObjectNode routing = request.putObject("routing");
        routing.put("strategy", "arrow").put("top_k", 3).put("temperature", 1.0).put("trace", "tokens");
        var experts = routing.putArray("experts");
        ReferenceCase.EXPERTS.forEach(expert -> experts.add(NAMESPACE + "/" + expert));
    }

    /** The ids of the tokens of an answer, from its trace. */
    static List<Integer> tokens(Routing answer) {
        return answer.tokens().stream().map(Routing.Token::id).toList();
    }
}
