package io.quiver.schemas;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** The published JSON Schema (2020-12) and golden example of each event, as they lie on the class path. */
public final class EventSchemas {
    private EventSchemas() {}

    /** The JSON Schema of the event's data. */
    public static byte[] schema(EventType type) {
        return resource("/events/" + type.shortName() + ".v1.schema.json");
    }

    /** An example of the event's data that obeys its schema. */
    public static byte[] example(EventType type) {
        return resource("/examples/" + type.shortName() + ".v1.json");
    }

    private static byte[] resource(String path) {
        try (InputStream in = EventSchemas.class.getResourceAsStream(path)) {
            if (in == null) {
                throw new IllegalStateException("not on the class path: " + path);
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
