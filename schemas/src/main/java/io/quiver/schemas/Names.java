package io.quiver.schemas;

import java.util.regex.Pattern;

/** The grammar of every name a person may choose: lower case, no separators, nothing that a path could be made of. */
public final class Names {
    /** {@code [a-z0-9][a-z0-9._-]{0,62}}. */
    public static final Pattern PATTERN = Pattern.compile("[a-z0-9][a-z0-9._-]{0,62}");

    private Names() {}

    /** Says whether the text is a name; {@code ".."} inside a name is refused although the pattern has dots. */
    public static boolean isName(String text) {
        return PATTERN.matcher(text).matches() && !text.contains("..");
    }

    /**
     * Returns the text if it is a name.
     *
     * @throws IllegalArgumentException naming {@code what} if it is not
     */
    public static String require(String text, String what) {
        if (!isName(text)) {
            throw new IllegalArgumentException(
                    what + " must match " + PATTERN.pattern() + " and must not contain '..', but is '" + text + "'");
        }
        return text;
    }
}
