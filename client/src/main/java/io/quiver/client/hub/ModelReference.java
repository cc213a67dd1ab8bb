package io.quiver.client.hub;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What to fetch from a hub: a repository and a revision of it, written {@code ORG/NAME[@REVISION]}.
 *
 * @param revision a branch, a tag, a commit or a reference such as {@code refs/pr/3}
 */
public record ModelReference(String owner, String name, String revision) {
    public static final String REVISION_DEFAULT = "main";

    private static final Pattern PART = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,95}");
    private static final Pattern REVISION = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._/+-]{0,199}");
    private static final Pattern TEXT = Pattern.compile("([^/@]+)/([^/@]+)(?:@(.+))?");

    public ModelReference {
        require(PART, owner, "owner");
        require(PART, name, "name");
        require(REVISION, revision, "revision");
    }

    /**
     * Parses {@code ORG/NAME} or {@code ORG/NAME@REVISION}; without a revision it is {@value #REVISION_DEFAULT}.
     *
     * @throws IllegalArgumentException if it is of neither form
     */
    public static ModelReference parse(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "'" + text + "' is no model of a hub: write ORG/NAME or ORG/NAME@COMMIT");
        }
        String revision = matcher.group(3);
        return new ModelReference(matcher.group(1), matcher.group(2), revision == null ? REVISION_DEFAULT : revision);
    }

    /** {@code ORG/NAME}. */
    public String repository() {
        return owner + "/" + name;
    }

    @Override
    public String toString() {
        return repository() + "@" + revision;
    }

    private static void require(Pattern pattern, String text, String what) {
        if (!pattern.matcher(text).matches() || text.contains("..")) {
            throw new IllegalArgumentException(
                    "a model's " + what + " must match " + pattern.pattern() + " without '..', but is '" + text + "'");
        }
    }
}
