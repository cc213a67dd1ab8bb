package io.quiver.client.hub;

/**
 * What tells a hub who asks. Never shown.
 *
 * @param origin where it was found, for messages: a variable or a file
 */
public record AccessToken(String secret, String origin) {
    public AccessToken {
        if (!secret.matches("[\\x21-\\x7e]{1,1000}")) {
            throw new IllegalArgumentException("the token in " + origin + " is not one word of printable characters");
        }
    }

    @Override
    public String toString() {
        return "the token in " + origin;
    }
}
