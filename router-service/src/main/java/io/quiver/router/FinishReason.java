package io.quiver.router;

import java.util.Locale;

/** Why an answer ended. */
public enum FinishReason {
    /** The model ended it, or a stop string came. */
    STOP,
    /** As many tokens as allowed. */
    LENGTH;

    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
