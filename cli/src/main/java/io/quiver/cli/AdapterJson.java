package io.quiver.cli;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/** An adapter as the registry describes it. */
record AdapterJson(JsonNode json) {
    /** {@code namespace/name}. */
    String name() {
        String name = json.path("adapter").asString(json.path("name").asString("-"));
        String namespace = json.path("namespace").asString("");
        return namespace.isEmpty() || name.contains("/") ? name : namespace + "/" + name;
    }

    /** The version with the highest number. */
    Optional<VersionJson> newestVersion() {
        List<VersionJson> versions = new ArrayList<>();
        json.path("versions").forEach(version -> versions.add(new VersionJson(version)));
        if (json.path("newest").isObject()) {
            versions.add(new VersionJson(json.path("newest")));
        }
        return versions.stream().max(Comparator.comparingInt(VersionJson::number));
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
