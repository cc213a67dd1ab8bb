package io.quiver.schemas.kafka;

import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.header.Headers;

/** What a record in {@link io.quiver.schemas.Topics#DEAD_LETTERS} says of why it is there. */
public final class DeadLetter {
    /** Header: why, for people, in UTF-8. */
    public static final String REASON = "quiver_dead_letter_reason";

    private DeadLetter() {}

    /** The first cause of a failure, for people. */
    public static String reason(Throwable failure) {
        Throwable cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.getClass().getSimpleName() + ": " + cause.getMessage();
    }

    /** Adds the reason to a record's headers; returns them. */
    public static Headers addReason(Headers headers, String reason) {
        return headers.add(REASON, reason.getBytes(StandardCharsets.UTF_8));
    }
}
