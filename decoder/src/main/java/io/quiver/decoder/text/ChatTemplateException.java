package io.quiver.decoder.text;

/** A chat template refused the conversation, or could not be rendered within its limits. */
public final class ChatTemplateException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ChatTemplateException(String message) {
        super(message);
    }
}
