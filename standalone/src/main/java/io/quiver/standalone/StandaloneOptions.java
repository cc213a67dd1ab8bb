package io.quiver.standalone;

import io.quiver.embedded.EmbeddedPostgres;
import java.nio.file.Path;

/**
 * How the standalone stack runs.
 *
 * @param dataDir where everything is kept: {@code postgresql}, {@code kafka}, {@code s3} and {@code logs}; made if absent
 */
public record StandaloneOptions(Path dataDir, StandalonePorts ports) {
    /** Where a home directory cannot be used. */
    private static final Path SYSTEM_DATA_DIR = Path.of("/var/lib/quiver");

    public StandaloneOptions {
        dataDir = dataDir.toAbsolutePath().normalize();
    }

    /** {@code ~/.quiver}; for root in a container that closes both its home and user namespaces, {@code /var/lib/quiver}. */
    public static Path defaultDataDir() {
        Path home = Path.of(System.getProperty("user.home"), ".quiver");
        return EmbeddedPostgres.canServe(postgresDir(home)) ? home : SYSTEM_DATA_DIR;
    }

    static Path postgresDir(Path dataDir) {
        return dataDir.resolve("postgresql");
    }

    Path logsDir() {
        return dataDir.resolve("logs");
    }
}
