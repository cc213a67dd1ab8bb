package io.quiver.client;

/**
 * One event of a {@code text/event-stream}.
 *
 * @param id the last id seen in the stream so far, empty if there was none
 * @param event its type, {@code message} if none was given
 * @param data its data lines, joined by line feeds
 */
public record ServerSentEvent(String id, String event, String data) {}
