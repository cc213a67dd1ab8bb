package io.quiver.registry;

import java.util.Locale;

/** Every problem that the registry answers with: the stable code, the HTTP status, the title. */
public enum ProblemCode {
    NAME_INVALID(400, "Not a name"),
    REQUEST_INVALID(400, "The request cannot be understood"),
    SELECTOR_INVALID(400, "Not a label selector"),
    CURSOR_INVALID(400, "Not a cursor of this list"),
    EVENT_TYPE_UNKNOWN(400, "No such event type"),
    ALIAS_RESERVED(400, "This alias moves by itself"),
    UPLOAD_BROKEN_OFF(400, "The upload ended before it was complete"),

    ROUTE_UNKNOWN(404, "No such route"),
    ADAPTER_UNKNOWN(404, "No such adapter"),
    VERSION_UNKNOWN(404, "No such version"),
    ALIAS_UNKNOWN(404, "No such alias"),
    BASE_MODEL_NOT_FOUND(404, "No such base model"),

    METHOD_NOT_ALLOWED(405, "The route has no such method"),
    NOT_ACCEPTABLE(406, "The answer cannot be given in that form"),

    BASE_MODEL_EXISTS(409, "A base model of that name has other content"),
    BASE_MODEL_CONFLICT(409, "The content is registered on another base model"),
    CALIBRATION_UNDER_WAY(409, "The base model is being calibrated"),
    VERSION_NOT_READY(409, "The version is not ready"),
    VERSION_IS_READY(409, "The version is ready already"),

    PRECONDITION_FAILED(412, "It is not as the precondition says"),
    UPLOAD_TOO_LARGE(413, "The upload exceeds a limit"),

    MEDIA_TYPE_UNSUPPORTED(415, "The content type is not taken here"),
    FILE_TYPE_REFUSED(415, "A file of that type is never taken"),

    ADAPTER_INVALID(422, "The adapter cannot be registered"),
    BASE_MODEL_INVALID(422, "The base model cannot be registered"),
    BASE_MODEL_UNKNOWN(422, "The adapter's base model is not registered"),

    INTERNAL_ERROR(500, "The registry made a mistake"),
    SUBSCRIBERS_EXHAUSTED(503, "Too many subscribers"),
    STORE_UNAVAILABLE(503, "A store cannot be reached");

    private final int status;
    private final String title;

    ProblemCode(int status, String title) {
        this.status = status;
        this.title = title;
    }

    /** As it stands in answers: the name in lower case. */
    public String code() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The HTTP status. */
    public int status() {
        return status;
    }

    public String title() {
        return title;
    }
}
