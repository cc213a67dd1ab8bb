package io.quiver.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.registry.RegistryHttp.Answer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProblemTest {
    private static final RegistryHttp HTTP = RunningRegistry.shared().http();

    @ParameterizedTest
    @CsvSource({
        "GET, /v1/nothing, '', 404, route_unknown",
        "GET, /, '', 404, route_unknown",
        "DELETE, /v1/adapters, '', 405, method_not_allowed",
        "GET, /v1/adapters/ns/name, '', 404, adapter_unknown",
        "GET, /v1/adapters/ns/name/versions, '', 404, adapter_unknown",
        "GET, /v1/adapters/ns/name/versions/1, '', 404, adapter_unknown",
        "GET, /v1/adapters/ns/name/versions/latest, '', 404, adapter_unknown",
        "GET, /v1/adapters/ns/name/versions/zero, '', 400, request_invalid",
        "GET, /v1/adapters/ns/name/versions/0, '', 400, request_invalid",
        "GET, /v1/adapters/ns/name/versions/99999999999, '', 400, request_invalid",
        "GET, /v1/adapters?limit=0, '', 400, request_invalid",
        "GET, /v1/adapters?limit=1001, '', 400, request_invalid",
        "GET, /v1/adapters?limit=x, '', 400, request_invalid",
        "GET, /v1/adapters?cursor=%25, '', 400, cursor_invalid",
        "GET, /v1/adapters?cursor=YWJj, '', 400, cursor_invalid",
        "GET, /v1/adapters?selector=skill, '', 400, selector_invalid",
        "GET, '/v1/adapters?selector=a=1,a=2', '', 400, selector_invalid",
        "GET, /v1/base-models/nothing, '', 404, base_model_not_found",
        "GET, /v1/events?types=Nothing, '', 400, event_type_unknown",
        "GET, /v1/events?types=AdapterCatalogued, '', 400, event_type_unknown",
        "GET, /v1/events?adapter=nothing, '', 400, name_invalid",
        "GET, /v1/events?after=-1, '', 400, request_invalid",
        "PUT, /v1/adapters/ns/name/aliases/champion, '{', 400, request_invalid",
        "PUT, /v1/adapters/ns/name/aliases/champion, '{}', 400, request_invalid",
        "PUT, /v1/adapters/ns/name/aliases/champion, '{\"version\": 1.5}', 400, request_invalid",
        "PUT, /v1/adapters/ns/name/aliases/champion, '{\"version\": 1, \"more\": 2}', 400, request_invalid",
        "PUT, /v1/adapters/ns/name/aliases/champion, '{\"version\": 1}', 404, adapter_unknown",
        "PUT, /v1/adapters/ns/name/aliases/latest, '{\"version\": 1}', 400, alias_reserved",
        "PUT, /v1/adapters/ns/name/aliases/UP, '{\"version\": 1}', 400, name_invalid",
        "POST, /v1/adapters/ns/name/versions/1:recompute, '', 404, version_unknown"
    })
    void every_mistake_of_a_caller_is_a_problem_with_its_code(
            String method, String path, String body, int status, String code) {
        Answer answer = HTTP.send(method, path, body);
        assertThat(answer.status()).as("%s", answer.body()).isEqualTo(status);
        assertThat(answer.code()).isEqualTo(code);
        assertThat(answer.header("Content-Type")).hasValue("application/problem+json");
        assertThat(answer.body().path("status").asInt()).isEqualTo(status);
        assertThat(answer.body().path("title").asString()).isNotBlank();
        assertThat(answer.body().path("type").asString()).isEqualTo("urn:quiver:problem:" + code);
        assertThat(answer.body().path("instance").asString()).isEqualTo(path.replaceAll("[?].*", ""));
    }

    @Test
    void a_wrong_method_names_the_right_ones() {
        assertThat(HTTP.send("DELETE", "/v1/adapters", "").header("Allow")).hasValue("GET");
    }

    @Test
    void codes_are_distinct() {
        Set<String> codes = new HashSet<>();
        Arrays.stream(ProblemCode.values()).forEach(code -> codes.add(code.code()));
        assertThat(codes).hasSize(ProblemCode.values().length);
    }

    @Test
    void health_is_told_apart_as_liveness_and_readiness() {
        assertThat(HTTP.get("/actuator/health/liveness").body().path("status").asString())
                .isEqualTo("UP");
        assertThat(HTTP.get("/actuator/health/readiness").body().path("status").asString())
                .isEqualTo("UP");
    }
}
