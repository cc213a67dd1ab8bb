package io.quiver.embedded;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.UserPrincipal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The account under which PostgreSQL's programs run: they refuse root, and insist on owning their data. */
enum PostgresAccount {
    /** The account of this program, which is not root. */
    CURRENT(List.of()),
    /** {@code nobody}, entered from root. Every directory above the data must let everybody pass. */
    NOBODY(List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")),
    /**
     * Root inside a user namespace that maps no account: the programs see the owner 65534 on themselves and on the files of
     * root, and reach directories that are closed to everybody else, such as /root.
     */
    UNMAPPED(List.of("unshare", "--user"));

    private static final String NOBODY_NAME = "nobody";
    private static final Duration TRIAL = Duration.ofSeconds(10);

    private final List<String> prefix;

    PostgresAccount(List<String> prefix) {
        this.prefix = prefix;
    }

    /** The account that owns the data in {@code dir/data}, or, where there is none, the one that can. */
    static PostgresAccount ownerOf(Path dir) throws IOException {
        if (!isRoot()) {
            return CURRENT;
        }
        Path data = dir.resolve("data");
        if (Files.exists(data)) {
            return uid(data) == 0 ? UNMAPPED : NOBODY;
        }
        if (everybodyMayPass(dir) && NOBODY.works()) {
            return NOBODY;
        }
        if (UNMAPPED.works()) {
            return UNMAPPED;
        }
        throw new EmbeddedServerException(
                "PostgreSQL does not run as root, and other accounts may not enter " + dir
                        + ": choose a data directory that everybody may enter, such as /var/lib/quiver",
                null);
    }

    /** Where the programs are unpacked for all data directories of this machine: readable by the account. */
    static Path programs() throws IOException {
        return isRoot() ? Path.of("/var/lib/quiver") : Path.of(System.getProperty("user.home"), ".quiver");
    }

    /** The command line that runs {@code program} under this account. */
    List<String> command(List<String> program) {
        var command = new ArrayList<>(prefix);
        command.addAll(program);
        return command;
    }

    /** Gives a file or directory, with all in it, to this account. */
    void own(Path path) throws IOException {
        if (this != NOBODY) {
            return;
        }
        UserPrincipal nobody =
                path.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName(NOBODY_NAME);
        Files.walkFileTree(path, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.setOwner(file, nobody);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) throws IOException {
                Files.setOwner(dir, nobody);
                return FileVisitResult.CONTINUE;
            }
        });
    }

    private boolean works() {
        try {
            return ProgramRun.of(command(List.of("true")), "", TRIAL).exitStatus() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** Whether every directory from the root down to {@code dir}, {@code dir} itself left out, lets other accounts pass. */
    private static boolean everybodyMayPass(Path dir) throws IOException {
        Path existing = dir.toAbsolutePath().getParent();
        while (existing != null && !Files.exists(existing)) {
            existing = existing.getParent();
        }
        if (existing == null) {
            return false;
        }
        for (Path above = existing.toRealPath(); above != null; above = above.getParent()) {
            if (!Files.getPosixFilePermissions(above).contains(PosixFilePermission.OTHERS_EXECUTE)) {
                return false;
            }
        }
        return true;
    }

    private static boolean isRoot() throws IOException {
        return uid(Path.of("/proc/self")) == 0;
    }

    private static int uid(Path path) throws IOException {
        return (Integer) Files.getAttribute(path, "unix:uid");
    }
}
