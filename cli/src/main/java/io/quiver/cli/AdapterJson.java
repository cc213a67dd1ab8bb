package io.quiver.cli;

import java.util.Optional;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/** An adapter as the registry describes it. */
record AdapterJson(JsonNode json) {
    /** {@code namespace/name}. */
    String name() {
        return json.path("adapter").asString("-");
    }

    /** The version with the highest number, whatever its state. */
    Optional<VersionJson> newestVersion() {
        return json.path("newest").isObject() ? Optional.of(new VersionJson(json.path("newest"))) : Optional.empty();
    }

    /** Labels as {@code k=v, k2=v2}; empty if there are none. */
    String labels() {
        return joined("labels", "=");
    }

    /** Aliases as {@code champion→3}; empty if there are none. */
    String aliases() {
        return joined("aliases", "→");
    }

    private String joined(String field, String between) {
        return json.path(field).properties().stream()
                .map(entry -> entry.getKey() + between + entry.getValue().asString(""))
                .collect(Collectors.joining(", "));
    }
}
