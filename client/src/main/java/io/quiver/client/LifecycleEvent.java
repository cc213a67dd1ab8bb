package io.quiver.client;

import io.quiver.schemas.AdapterName;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * An event of the registry's stream.
 *
 * @param id where it stands in the stream; a stream goes on after it
 * @param time when it happened, if the registry says so
 * @param type its short name, such as {@code AdapterReady}; may be one that this program does not know
 * @param subject what it is about
 * @param data the event itself
 */
public record LifecycleEvent(String id, @Nullable Instant time, String type, String subject, JsonNode data) {
    /** @throws UnexpectedAnswerException if the data are no event */
    static LifecycleEvent of(ServerSentEvent event) {
        try {
            JsonNode envelope = Calls.JSON.readTree(event.data());
            String time = envelope.path("time").asString("");
            return new LifecycleEvent(
                    event.id(),
                    time.isEmpty() ? null : Instant.parse(time),
                    envelope.path("type").asString(event.event()).replaceAll("^io\\.quiver\\.|\\.v[0-9]+$", ""),
                    envelope.path("subject").asString(""),
                    envelope.path("data"));
        } catch (JacksonException | DateTimeParseException e) {
            throw new UnexpectedAnswerException("the registry sent an event that cannot be read: " + event.data(), e);
        }
    }

    /** The version that it is about, if it is about one. */
    public Optional<VersionId> version() {
        String adapter = data.path("adapter").asString("");
        int version = data.path("version").asInt(0);
        return adapter.isEmpty() || version < 1
                ? Optional.empty()
                : Optional.of(new VersionId(AdapterName.parse(adapter), version));
    }

    /** A version of an adapter, written {@code ns/name:3}. */
    public record VersionId(AdapterName adapter, int version) {
        @Override
        public String toString() {
            return adapter + ":" + version;
        }
    }
}
