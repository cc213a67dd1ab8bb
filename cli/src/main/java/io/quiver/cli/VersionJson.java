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

    /** The base model's name; the registry gives a name or an object that has one. */
    String base() {
        JsonNode base = json.path("base");
        return base.isObject() ? base.path("name").asString("-") : base.asString("-");
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

    /** Ranks and number of modules, such as {@code 8/21}. */
    String rankAndModules() {
        String rank = json.path("rank").asString("");
        String modules = json.path("moduleCount").asString(json.path("modules").asString(""));
        return rank.isEmpty() && modules.isEmpty()
                ? "-"
                : (rank.isEmpty() ? "?" : rank) + "/" + (modules.isEmpty() ? "?" : modules);
    }

    /** Why it failed: message, then code and module; empty if it did not. */
    String failure() {
        JsonNode failure = json.path("failure");
        if (failure.isString()) {
            return failure.stringValue();
        }
        if (!failure.isObject()) {
            return "";
        }
        String module = failure.path("module").asString("");
        return failure.path("message").asString("") + " ("
                + failure.path("code").asString("unknown") + (module.isEmpty() ? "" : ", " + module) + ")";
    }

    /** How long ago it was uploaded. */
    Duration age(Instant now) {
        String uploadedAt =
                json.path("uploadedAt").asString(json.path("createdAt").asString(""));
        try {
            return uploadedAt.isEmpty() ? Duration.ZERO : Duration.between(Instant.parse(uploadedAt), now);
        } catch (DateTimeParseException e) {
            return Duration.ZERO;
        }
    }
}
