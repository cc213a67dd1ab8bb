package io.quiver.decoder;

/** How much a sequence tells of its routing. */
public enum Tracing {
    /** Nothing. */
    NONE,
    /** {@link Decoder.StepOutput#shares} of the last token fed: costs next to nothing. */
    SHARES,
    /** {@link Decoder.StepOutput#trace} of every token fed: much data for long prompts and large libraries. */
    MODULES
}
