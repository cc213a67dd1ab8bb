package io.quiver.router;

/**
 * An expert that a request did not name, only select, and that could not be loaded: the answer is made without it and says so.
 *
 * @param reason why it could not be loaded
 */
public record LeftOut(PinnedExpert expert, String reason) {}
