package io.quiver.client.hub;

import java.util.Arrays;

/**
 * A file of a repository at one commit.
 *
 * @param path relative to the repository, parts separated by {@code /}; never out of the repository
 * @param sizeBytes of the content, not of a pointer to it
 */
public record RepositoryFile(String path, long sizeBytes, Checksum checksum) {
    public RepositoryFile {
        boolean strange = path.isEmpty()
                || path.length() > 1000
                || path.indexOf('\\') >= 0
                || path.chars().anyMatch(Character::isISOControl)
                || Arrays.stream(path.split("/", -1))
                        .anyMatch(part -> part.isEmpty() || part.equals(".") || part.equals(".."));
        if (strange) {
            throw new IllegalArgumentException("'" + path + "' is no path inside a repository");
        }
        if (sizeBytes < 0) {
            throw new IllegalArgumentException(path + " cannot have " + sizeBytes + " bytes");
        }
    }
}
