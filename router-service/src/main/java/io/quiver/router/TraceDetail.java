package io.quiver.router;

/** How much a response says about how its tokens were routed. Each includes the one before. */
public enum TraceDetail {
    NONE,
    /** Per generated token: the shares of the experts over all modules. */
    TOKENS,
    /** Also per module and token the scores and coefficients, and the shares for the tokens of the prompt. */
    MODULES
}
