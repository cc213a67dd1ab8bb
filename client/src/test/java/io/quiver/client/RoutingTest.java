package io.quiver.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.client.Routing.Expert;
import io.quiver.client.Routing.Token;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class RoutingTest {
    private static final List<Expert> TWO_VERSIONS =
            List.of(new Expert("ns/a", "1", 0.25), new Expert("ns/a", "2", 0.75));

    @Test
    void experts_and_tokens_are_read_as_the_router_writes_them() {
        Routing routing = routing("""
                {"strategy":"arrow","experts":[{"name":"ns/a","version":1,"share":0.25},{"name":"ns/a","version":2,"share":0.75}],
                 "trace":{"tokens":[{"token":5,"text":"x","expert":"ns/a:2","shares":[0.4,0.6]}]}}""");

        assertThat(routing.experts()).isEqualTo(TWO_VERSIONS);
        assertThat(routing.experts().get(1).reference()).isEqualTo("ns/a:2");
        assertThat(routing.tokens()).containsExactly(new Token(5, "x", 1, List.of(0.4, 0.6)));
    }

    @Test
    void tokens_of_a_later_chunk_belong_to_the_experts_of_the_first() {
        var chunk = JsonMapper.shared()
                .readTree(
                        "{\"trace\":{\"tokens\":[{\"text\":\"a\",\"expert\":\"ns/a\"},{\"text\":\"b\",\"expert\":null}]}}");

        assertThat(Routing.tokens(chunk, TWO_VERSIONS))
                .extracting(Token::expert)
                .containsExactly(0, -1);
    }

    @Test
    void an_answer_without_routing_has_none() {
        assertThat(routing("{}")).isEqualTo(new Routing(List.of(), List.of()));
    }

    private static Routing routing(String json) {
        return Routing.of(JsonMapper.shared().readTree(json));
    }
}
