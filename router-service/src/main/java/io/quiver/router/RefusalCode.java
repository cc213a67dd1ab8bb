package io.quiver.router;

import java.util.Locale;

/** Why a request is refused: the stable {@code code} that clients see, with its HTTP status and OpenAI error type. */
public enum RefusalCode {
    INVALID_REQUEST(400),
    UNKNOWN_PARAMETER(400),
    UNSUPPORTED_PARAMETER(400),
    MODEL_NOT_FOUND(404),
    BASE_MISMATCH(400),
    LIBRARY_EMPTY(400),
    TOO_MANY_EXPERTS(400),
    EXPERTS_INCOMPATIBLE(400),
    NOT_CALIBRATED(400),
    NO_EXPERT_FITS(422),
    LIBRARY_TOO_LARGE(400),
    CONTEXT_LENGTH_EXCEEDED(400),
    CHAT_TEMPLATE_MISSING(400),
    CHAT_TEMPLATE_REFUSED(400),
    NOT_FOUND(404),
    METHOD_NOT_ALLOWED(405),
    BODY_TOO_LARGE(413),
    CACHE_MEMORY_EXCEEDED(413),
    QUEUE_FULL(429),
    INTERNAL_ERROR(500),
    TIMED_OUT(504),
    EXPERT_UNAVAILABLE(503),
    EXPERTS_DO_NOT_FIT(503),
    CATALOGUE_LOADING(503),
    MODEL_LOADING(503),
    MODEL_UNAVAILABLE(503);

    private static final int TOO_MANY_REQUESTS = 429;
    private static final int SERVER_ERROR = 500;

    private final int status;

    RefusalCode(int status) {
        this.status = status;
    }

    /** The code as clients see it, such as {@code model_not_found}. */
    public String code() {
        return name().toLowerCase(Locale.ROOT);
    }

    public int status() {
        return status;
    }

    /** OpenAI's coarse error type. */
    public String type() {
        if (status == TOO_MANY_REQUESTS) {
            return "rate_limit_error";
        }
        return status < SERVER_ERROR ? "invalid_request_error" : "server_error";
    }

    /** Whether the same request may succeed later. */
    public boolean worthRetrying() {
        return status == TOO_MANY_REQUESTS || status > SERVER_ERROR;
    }
}
