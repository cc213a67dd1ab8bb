package io.quiver.router.web;

import java.time.Duration;

/**
 * Limits of the completion routes.
 *
 * @param bodyBytesMax of a request
 * @param answerWaitMax how long one answer may take
 */
public record CompletionSettings(int bodyBytesMax, Duration answerWaitMax) {
    public CompletionSettings {
        if (bodyBytesMax < 1 || answerWaitMax.isNegative() || answerWaitMax.isZero()) {
            throw new IllegalArgumentException("limits must be positive: " + bodyBytesMax + ", " + answerWaitMax);
        }
    }
}
