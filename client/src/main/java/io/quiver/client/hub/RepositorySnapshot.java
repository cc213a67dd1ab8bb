package io.quiver.client.hub;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A repository as it was at one commit: the same forever.
 *
 * @param reference what was asked for
 * @param commit what its revision means: 40 hexadecimal digits
 * @param files all files, wanted or not
 */
public record RepositorySnapshot(ModelReference reference, String commit, List<RepositoryFile> files) {
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

    public RepositorySnapshot {
        if (!COMMIT.matcher(commit).matches()) {
            throw new IllegalArgumentException("a commit has 40 hexadecimal digits, but this is '" + commit + "'");
        }
        files = List.copyOf(files);
    }

    /** The file at a path, if the repository has one. */
    public Optional<RepositoryFile> file(String path) {
        return files.stream().filter(file -> file.path().equals(path)).findFirst();
    }
}
