package io.quiver.objectstore.minio;

import io.minio.errors.ErrorResponseException;
import io.minio.errors.InvalidResponseException;
import io.minio.errors.ServerException;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectNotFoundException;
import io.quiver.objectstore.ObjectStoreException;
import java.io.IOException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One request to the store that failed, before it is decided whether to send it again. Never leaves this package. */
final class RequestFailed extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private static final Set<String> TRANSIENT_CODES = Set.of(
            "InternalError",
            "RequestTimeout",
            "ServiceUnavailable",
            "SlowDown",
            "SlowDownRead",
            "SlowDownWrite",
            "Throttling");
    private static final Set<String> NO_SUCH_OBJECT = Set.of("NoSuchKey", "NoSuchObject");

    private final String what;
    private final transient @Nullable ObjectKey key;
    private final transient Throwable reason;

    private RequestFailed(String what, @Nullable ObjectKey key, Throwable thrown) {
        super(thrown);
        this.what = what;
        this.key = key;
        this.reason = innermost(thrown);
    }

    /**
     * @param what for people, such as {@code read blobs/…}
     * @param key the object whose absence would be the reason, if one can be absent
     */
    static RequestFailed of(String what, @Nullable ObjectKey key, Throwable thrown) {
        return new RequestFailed(what, key, thrown);
    }

    @Override
    public String getMessage() {
        String message = reason.getMessage();
        String name = reason.getClass().getSimpleName();
        return "the object store could not " + what + ": "
                + (message == null || message.isBlank() ? name : name + ": " + message);
    }

    boolean worthAnotherAttempt() {
        if (reason instanceof ErrorResponseException refused) {
            return refused.response().code() >= 500 || TRANSIENT_CODES.contains(code(refused));
        }
        return reason instanceof IOException
                || reason instanceof ServerException
                || reason instanceof InvalidResponseException;
    }

    /** The S3 error code, or an empty text if the store did not answer with one. */
    String code() {
        return reason instanceof ErrorResponseException refused ? code(refused) : "";
    }

    ObjectStoreException toObjectStoreException() {
        if (key != null && NO_SUCH_OBJECT.contains(code())) {
            return new ObjectNotFoundException(key);
        }
        return new ObjectStoreException(getMessage(), reason);
    }

    /** The client wraps what happened on the wire into an exception of its own. */
    private static Throwable innermost(Throwable thrown) {
        Throwable cause = thrown;
        while (!(cause instanceof ErrorResponseException) && !(cause instanceof IOException)) {
            Throwable next = cause.getCause();
            if (next == null) {
                break;
            }
            cause = next;
        }
        return cause;
    }

    private static String code(ErrorResponseException refused) {
        String code = refused.errorResponse().code();
        return code == null ? "" : code;
    }
}
