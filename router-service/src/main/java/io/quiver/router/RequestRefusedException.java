package io.quiver.router;

import org.jspecify.annotations.Nullable;

/** A request that is not answered, with the code, the words and the parameter that the caller is told. */
public final class RequestRefusedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final RefusalCode code;
    private final @Nullable String param;

    public RequestRefusedException(RefusalCode code, String message, @Nullable String param) {
        this(code, message, param, null);
    }

    public RequestRefusedException(
            RefusalCode code, String message, @Nullable String param, @Nullable Throwable cause) {
        super(message, cause);
        this.code = code;
        this.param = param;
    }

    public RefusalCode code() {
        return code;
    }

    /** The parameter concerned, such as {@code routing.experts}, if it is one. */
    public @Nullable String param() {
        return param;
    }
}
