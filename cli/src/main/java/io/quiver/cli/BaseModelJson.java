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

    /** Whether some calibration of it serves. */
    boolean isCalibrated() {
        return json.path("calibration").path("calibrated").isObject();
    }

    /** Where its newest calibration stands, such as {@code CALIBRATING requests 40/320}. */
    String calibration() {
        JsonNode calibration = json.path("calibration");
        JsonNode progress = calibration.path("progress");
        return calibrationState()
                + (progress.isObject()
                        ? " " + progress.path("stage").asString("") + " "
                                + progress.path("done").asInt(0) + "/"
                                + progress.path("total").asInt(0)
                        : "");
    }

    String calibrationState() {
        return json.path("calibration").path("state").asString("-");
    }

    /** Counts from 1; 0 before the first. */
    int calibrationAttempt() {
        return json.path("calibration").path("attempt").asInt(0);
    }

    /** Why the newest calibration failed. */
    String calibrationFailure() {
        JsonNode failure = json.path("calibration").path("failure");
        return failure.path("code").asString("unknown") + ": "
                + failure.path("message").asString("");
    }

    /** The digest of the calibration that serves. */
    String calibrationDigest() {
        return json.path("calibration")
                .path("calibrated")
                .path("file")
                .path("digest")
                .asString("-");
    }

    /** The number of its linear modules. */
    String modules() {
        return json.path("linearModules").asString("?");
    }
}
