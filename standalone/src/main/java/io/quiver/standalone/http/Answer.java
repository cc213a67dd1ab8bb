package io.quiver.standalone.http;

import tools.jackson.databind.JsonNode;

/**
 * What a service answered.
 *
 * @param status HTTP status
 * @param body its JSON; a missing node if there is none
 */
public record Answer(int status, JsonNode body) {
    private static final int OK = 200;
    private static final int CREATED = 201;

    public boolean isSuccess() {
        return status == OK || status == CREATED;
    }
}
