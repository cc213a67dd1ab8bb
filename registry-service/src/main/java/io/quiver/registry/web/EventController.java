package io.quiver.registry.web;

import io.quiver.registry.Outbox;
import io.quiver.registry.ProblemCode;
import io.quiver.registry.RegistryException;
import io.quiver.schemas.AdapterName;
import io.quiver.schemas.EventType;
import io.quiver.schemas.Topics;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

/** The events of the public topic as server-sent events, resumable. */
@RestController
public final class EventController {
    private static final Map<String, EventType> PUBLIC = Arrays.stream(EventType.values())
            .filter(type -> type.topic().equals(Topics.ADAPTERS))
            .collect(Collectors.toUnmodifiableMap(EventType::shortName, Function.identity()));

    private final EventFeed feed;
    private final Outbox outbox;

    public EventController(EventFeed feed, Outbox outbox) {
        this.feed = feed;
        this.outbox = outbox;
    }

    /** Without a place to start from, the stream begins with what happens next. */
    @GetMapping(path = "/v1/events", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    public ResponseEntity<SseEmitter> events(
            @RequestParam(defaultValue = "") String types,
            @RequestParam(defaultValue = "") String adapter,
            @RequestParam(required = false) @Nullable String after,
            @RequestHeader(name = "Last-Event-ID", required = false) @Nullable String lastEventId) {
        Outbox.Filter filter = new Outbox.Filter(types(types), adapter(adapter));
        // A client that comes again sends the header; the parameter is where it first began.
        String place = lastEventId != null && !lastEventId.isEmpty() ? lastEventId : after;
        SseEmitter stream = feed.subscribe(place == null ? outbox.head() : id(place), filter);
        return ResponseEntity.ok()
                .header(HttpHeaders.CACHE_CONTROL, "no-store")
                .header("X-Accel-Buffering", "no")
                .body(stream);
    }

    private static Set<EventType> types(String names) {
        Set<EventType> types = new HashSet<>();
        if (names.isBlank()) {
            return types;
        }
        for (String name : names.split(",", -1)) {
            EventType type = PUBLIC.get(name.strip());
            if (type == null) {
                throw new RegistryException(
                        ProblemCode.EVENT_TYPE_UNKNOWN,
                        "'" + name + "' is none of " + String.join(", ", PUBLIC.keySet()));
            }
            types.add(type);
        }
        return types;
    }

    private static Optional<AdapterName> adapter(String name) {
        if (name.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(AdapterName.parse(name));
        } catch (IllegalArgumentException e) {
            throw new RegistryException(ProblemCode.NAME_INVALID, String.valueOf(e.getMessage()));
        }
    }

    private static long id(String text) {
        if (!text.matches("[0-9]{1,18}")) {
            throw new RegistryException(ProblemCode.REQUEST_INVALID, "'" + text + "' is not the id of an event");
        }
        return Long.parseLong(text);
    }
}
