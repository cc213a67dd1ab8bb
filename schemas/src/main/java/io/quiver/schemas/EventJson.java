package io.quiver.schemas;

import java.lang.reflect.RecordComponent;
import java.util.Collection;
import org.jspecify.annotations.Nullable;
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
     * @throws IllegalArgumentException if the bytes are not that event, or leave out a component that is not optional
     */
    public static Event read(EventType type, byte[] json) {
        try {
            Event event = MAPPER.readValue(json, type.eventClass());
            if (event == null) {
                throw new IllegalArgumentException("the data is null");
            }
            requireComponents((Record) event, "");
            return event;
        } catch (JacksonException | NullPointerException e) {
            throw new IllegalArgumentException("not a " + type.shortName() + ": " + e.getMessage(), e);
        }
    }

    /** JSON can leave out what the types promise: every component but the nullable ones must be there, at every depth. */
    private static void requireComponents(Record event, String path) {
        for (RecordComponent component : event.getClass().getRecordComponents()) {
            String name = path + component.getName();
            Object value = valueOf(component, event);
            if (value == null && !component.getAnnotatedType().isAnnotationPresent(Nullable.class)) {
                throw new IllegalArgumentException(name + " is missing");
            }
            if (value instanceof Record nested) {
                requireComponents(nested, name + ".");
            }
            if (value instanceof Collection<?> elements) {
                for (Object element : elements) {
                    if (element instanceof Record nested) {
                        requireComponents(nested, name + "[].");
                    }
                }
            }
        }
    }

    private static @Nullable Object valueOf(RecordComponent component, Record event) {
        try {
            return component.getAccessor().invoke(event);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("the accessors of a public record are public: " + component, e);
        }
    }
}
