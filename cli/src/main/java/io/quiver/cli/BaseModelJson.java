package io.quiver.cli;

import tools.jackson.databind.JsonNode;

/** A base model as the registry describes it. */
record BaseModelJson(JsonNode json) {
    String name() {
        return json.path("name").asString("-");
    }

    String digest() {
        return json.path("digest").asString("-");
    }

    /** The number of its linear modules. */
    String modules() {
        return json.path("linearModules").asString("?");
    }
}
