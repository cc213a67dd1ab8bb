package io.quiver.decoder.text;

/**
 * One turn of a conversation.
 *
 * @param role who speaks, such as {@code user}
 * @param content what is said
 */
public record ChatMessage(String role, String content) {}
