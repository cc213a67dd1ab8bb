package io.quiver.schemas;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** Events as JSON: the record's components by their names, instants as ISO-8601 text, fields unknown here ignored. */
public final class EventJson {
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .build();

    private EventJson() {}

    public static byte[] write(Event event) {
        return MAPPER.writeValueAsBytes(event);
    }

    /**
     * Reads an event of a known type.
     *
     * @throws IllegalArgumentException if the bytes are not that event
     */
    public static Event read(EventType type, byte[] json) {
        try {
            Event event = MAPPER.readValue(json, type.eventClass());
            if (event == null) {
                throw new IllegalArgumentException("the data is null");
            }
            return event;
        } catch (JacksonException | NullPointerException e) {
            throw new IllegalArgumentException("not a " + type.shortName() + ": " + e.getMessage(), e);
        }
    }
}
