package io.quiver.router.web;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.router.RefusalCode;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.yaml.snakeyaml.Yaml;

/** The description of the router's HTTP surface says what the code does. */
class RouterApiTest {
    private static Map<String, Object> api() throws IOException {
        try (InputStream in = RouterApiTest.class.getResourceAsStream("/openapi/router.yaml")) {
            return new Yaml().load(in);
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> at(Map<String, Object> node, String... path) {
        Map<String, Object> current = node;
        for (String step : path) {
            current = (Map<String, Object>) current.get(step);
        }
        return current;
    }

    @Test
    void every_route_is_described_and_nothing_else() throws IOException {
        List<String> described = new ArrayList<>();
        at(api(), "paths")
                .forEach((path, operations) ->
                        ((Map<?, ?>) operations).keySet().forEach(verb -> described.add(verb + " " + path)));
        List<String> mapped = new ArrayList<>();
        for (Class<?> routes : List.of(
                ModelRoutes.class,
                MemoryRoutes.class,
                CompletionRoutes.class,
                ExplainRoutes.class,
                RoutabilityRoutes.class)) {
            for (Method method : routes.getDeclaredMethods()) {
                GetMapping get = method.getAnnotation(GetMapping.class);
                PostMapping post = method.getAnnotation(PostMapping.class);
                if (get != null) {
                    mapped.add("get " + get.value()[0].replace("{*", "{"));
                }
                if (post != null) {
                    mapped.add("post " + post.value()[0]);
                }
            }
        }
        assertThat(described).containsExactlyInAnyOrderElementsOf(mapped);
    }

    @Test
    void every_error_code_is_described_and_nothing_else() throws IOException {
        Map<String, Object> code =
                at(api(), "components", "schemas", "Error", "properties", "error", "properties", "code");
        assertThat(code.get("enum"))
                .isEqualTo(Arrays.stream(RefusalCode.values())
                        .map(RefusalCode::code)
                        .toList());
    }
}
