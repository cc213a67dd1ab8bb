package io.quiver.schemas;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.Yaml;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The published description of the topics is what the code sends. */
class AsyncApiTest {
    private static JsonNode document;

    @BeforeAll
    static void read() throws IOException {
        try (InputStream yaml = AsyncApiTest.class.getResourceAsStream("/asyncapi.yaml")) {
            document = JsonMapper.shared().valueToTree(new Yaml().<Map<String, Object>>load(yaml));
        }
    }

    @Test
    void every_event_is_described_on_its_topic_and_no_other_is() {
        Map<String, Set<String>> described = new TreeMap<>();
        document.path("channels")
                .forEach(channel -> described.put(
                        channel.path("address").asString(),
                        new TreeSet<>(channel.path("messages").propertyNames())));
        Map<String, Set<String>> sent = new TreeMap<>();
        for (EventType type : EventType.values()) {
            sent.computeIfAbsent(type.topic(), topic -> new TreeSet<>()).add(type.shortName());
        }
        sent.put(Topics.DEAD_LETTERS, Set.of("DeadLetter"));
        assertThat(described).isEqualTo(sent);
    }

    @Test
    void every_message_has_its_cloud_events_type_and_its_schema() {
        for (EventType type : EventType.values()) {
            JsonNode message = document.path("components").path("messages").path(type.shortName());
            assertThat(message.path("name").asString()).isEqualTo(type.ceType());
            String schema = message.at("/payload/schema/$ref").asString();
            assertThat(AsyncApiTest.class.getResource(schema.substring(1)))
                    .as(schema)
                    .isNotNull();
        }
    }
}
