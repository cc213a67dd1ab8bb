package io.quiver.cli;

import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import tools.jackson.databind.JsonNode;

/** A version of an adapter as the registry describes it, with {@code -} for what it does not say. */
record VersionJson(JsonNode json) {
    int number() {
        return json.path("version").asInt(0);
    }

    String state() {
        return json.path("state").asString("-");
    }

    /** Whether nothing more will happen to it by itself. */
    boolean isSettled() {
        return !state().equals("UPLOADED") && !state().equals("COMPUTING");
    }

    /** The base model's name. */
    String base() {
        return json.path("base").path("name").asString("-");
    }

    /** The largest rank and the number of modules, such as {@code 8/21}; both are known once it is READY. */
    String rankAndModules() {
        return json.has("rank") && json.has("moduleCount")
                ? json.path("rank").asInt(0) + "/" + json.path("moduleCount").asInt(0)
                : "-";
    }

    /** The whole digest. */
    String digest() {
        return json.path("digest").asString("-");
    }

    /** The digest's first twelve digits. */
    String digestAbbreviated() {
        String hex = digest().replaceFirst("^sha256:", "");
        return hex.substring(0, Math.min(12, hex.length()));
    }

    /** Why it failed: message, then code and module; empty if it did not. */
    String failure() {
        JsonNode failure = json.path("failure");
        if (!failure.isObject()) {
            return "";
        }
        String module = failure.path("module").asString("");
        return failure.path("message").asString("") + " ("
                + failure.path("code").asString("unknown") + (module.isEmpty() ? "" : ", " + module) + ")";
    }

    /** Whether it was measured against some calibration of its base model. */
    boolean hasEvidence() {
        return !json.path("evidence").isEmpty();
    }

    /** With how many examples it was measured last; 0 if it was not. */
    int exampleCount() {
        return json.path("evidence").path(0).path("exampleCount").asInt(0);
    }

    /** Why it could not be measured; empty if that is not so. */
    String evidenceFailure() {
        return json.path("evidenceFailure").path("message").asString("");
    }

    /** How long ago it was uploaded. */
    Duration age(Instant now) {
        String uploadedAt = json.path("uploadedAt").asString("");
        try {
            return uploadedAt.isEmpty() ? Duration.ZERO : Duration.between(Instant.parse(uploadedAt), now);
        } catch (DateTimeParseException e) {
            return Duration.ZERO;
        }
    }
}
