package io.quiver.embedded;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A PostgreSQL server as a child of this program, listening on 127.0.0.1 only, with password authentication and durable
 * commits. It runs in a session of its own, so a Ctrl-C in the terminal reaches this program alone, which then stops it.
 *
 * <p>Its directory holds {@code data}, {@code password} and {@code server.log}. A server that outlived a killed program is
 * stopped cleanly before the new one starts on the same data.
 */
public final class EmbeddedPostgres implements EmbeddedServer {
    public static final String VERSION = PostgresPrograms.VERSION;
    private static final Logger log = LoggerFactory.getLogger(EmbeddedPostgres.class);

    private static final String DATABASE = "quiver";
    private static final String USER = "quiver";
    private static final Duration INITDB_LIMIT = Duration.ofMinutes(3);
    private static final Duration CONTROL_LIMIT = Duration.ofSeconds(90);
    private static final String CONTROL_LIMIT_SECONDS = "60";
    private static final long LOG_BYTES_MAX = 16L << 20;

    private final Installed installed;
    private final DirectoryLock lock;
    private final int port;
    private final String password;
    private final AtomicBoolean closed = new AtomicBoolean();

    /** What is needed to run PostgreSQL's programs on one data directory. */
    private record Installed(Path dir, PostgresAccount account, PostgresPrograms programs) {
        Path data() {
            return dir.resolve("data");
        }

        Path serverLog() {
            return dir.resolve("server.log");
        }

        ProgramRun run(String program, String input, Duration limit, String... arguments) throws IOException {
            var command = new ArrayList<String>(List.of(programs.program(program)));
            command.addAll(List.of(arguments));
            return ProgramRun.of(account.command(command), input, limit);
        }
    }

    private EmbeddedPostgres(Installed installed, DirectoryLock lock, int port, String password) {
        this.installed = installed;
        this.lock = lock;
        this.port = port;
        this.password = password;
    }

    /** Starts a server, creating its data at the first start. Returns when it accepts connections. */
    public static EmbeddedPostgres start(ServerSettings settings) {
        DirectoryLock lock = DirectoryLock.acquire(settings.dir());
        try {
            Installed installed = installed(settings.dir());
            Path passwordFile = settings.dir().resolve("password");
            String password = Secret.keptIn(passwordFile);
            if (Files.exists(installed.data())) {
                stopOrphan(installed);
            } else {
                initialise(installed, passwordFile);
            }
            int port = settings.freePort("PostgreSQL");
            launch(installed, port);
            return new EmbeddedPostgres(installed, lock, port, password);
        } catch (IOException e) {
            lock.close();
            throw new EmbeddedServerException(
                    "PostgreSQL in " + settings.dir() + " does not start: " + e.getMessage(), e);
        } catch (RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    /** Stops the server that a killed program left behind on this directory, if there is one. */
    public static void stopOrphan(Path dir) {
        try (DirectoryLock lock = DirectoryLock.acquire(dir)) {
            if (Files.exists(dir.resolve("data"))) {
                stopOrphan(installed(dir));
            }
        } catch (IOException e) {
            throw new EmbeddedServerException("cannot stop the PostgreSQL left behind in " + dir, e);
        }
    }

    /** Whether a server can run on this directory, which need not exist: root cannot always find an account for it. */
    public static boolean canServe(Path dir) {
        try {
            PostgresAccount.ownerOf(dir.toAbsolutePath().normalize());
            return true;
        } catch (IOException | EmbeddedServerException e) {
            return false;
        }
    }

    /** {@code jdbc:postgresql://127.0.0.1:PORT/quiver}. */
    public String jdbcUrl() {
        return "jdbc:postgresql://127.0.0.1:" + port + "/" + DATABASE;
    }

    public String user() {
        return USER;
    }

    public String password() {
        return password;
    }

    public int port() {
        return port;
    }

    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        try (lock) {
            stop(installed);
        } catch (IOException e) {
            throw new EmbeddedServerException("PostgreSQL in " + installed.dir() + " does not stop", e);
        }
    }

    private static Installed installed(Path dir) throws IOException {
        return new Installed(dir, PostgresAccount.ownerOf(dir), PostgresPrograms.in(PostgresAccount.programs()));
    }

    /** Writes a new database cluster beside its final place and moves it there when it is whole. */
    private static void initialise(Installed installed, Path passwordFile) throws IOException {
        Path made = installed.dir().resolve("data.new");
        Directories.delete(made);
        Files.createDirectory(made, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        installed.account().own(installed.dir());
        installed
                .run(
                        "initdb",
                        "",
                        INITDB_LIMIT,
                        "--pgdata=" + made,
                        "--username=" + USER,
                        "--pwfile=" + passwordFile,
                        "--auth=scram-sha-256",
                        "--encoding=UTF8",
                        "--locale=C",
                        "--locale-provider=builtin",
                        "--builtin-locale=C.UTF-8",
                        "--set=listen_addresses=127.0.0.1",
                        "--set=unix_socket_directories=",
                        "--set=timezone=UTC",
                        "--set=log_timezone=UTC",
                        "--set=shared_buffers=64MB",
                        "--set=max_wal_size=256MB",
                        "--set=log_checkpoints=off",
                        "--no-instructions")
                .orThrow("initdb");
        installed
                .run(
                        "postgres",
                        "CREATE DATABASE " + DATABASE + "\n",
                        INITDB_LIMIT,
                        "--single",
                        "-D",
                        made.toString(),
                        "postgres")
                .orThrow("creating the database " + DATABASE);
        Files.move(made, installed.data(), StandardCopyOption.ATOMIC_MOVE);
    }

    private static void launch(Installed installed, int port) throws IOException {
        if (Files.exists(installed.serverLog()) && Files.size(installed.serverLog()) > LOG_BYTES_MAX) {
            Files.delete(installed.serverLog());
        }
        ProgramRun started = installed.run(
                "pg_ctl",
                "",
                CONTROL_LIMIT,
                "start",
                "-w",
                "-t",
                CONTROL_LIMIT_SECONDS,
                "-D",
                installed.data().toString(),
                "-l",
                installed.serverLog().toString(),
                "-o",
                "-p " + port);
        if (started.exitStatus() != 0) {
            throw new EmbeddedServerException(
                    "PostgreSQL does not start: " + started.output().strip() + "; see " + installed.serverLog(), null);
        }
    }

    private static void stopOrphan(Installed installed) throws IOException {
        Path pidFile = installed.data().resolve("postmaster.pid");
        long pid;
        try {
            pid = Long.parseLong(Files.readAllLines(pidFile).get(0).strip());
        } catch (NoSuchFileException e) {
            return;
        }
        if (servesFrom(pid, installed.data())) {
            log.info("stopping PostgreSQL, process {}, left behind by a killed program", pid);
            stop(installed);
        } else {
            // The process is gone, and its number may belong to another program: PostgreSQL would take that for a live
            // server.
            Files.delete(pidFile);
        }
    }

    /** A postmaster's working directory is its data directory. */
    private static boolean servesFrom(long pid, Path data) throws IOException {
        Path workingDir = Path.of("/proc", Long.toString(pid), "cwd");
        try {
            return Files.readSymbolicLink(workingDir).equals(data.toRealPath());
        } catch (NoSuchFileException | AccessDeniedException e) {
            return false;
        }
    }

    private static void stop(Installed installed) throws IOException {
        ProgramRun fast = stop(installed, "fast");
        if (fast.exitStatus() != 0) {
            log.warn(
                    "PostgreSQL did not stop cleanly ({}): it will recover at the next start",
                    fast.output().strip());
            stop(installed, "immediate").orThrow("stopping PostgreSQL");
        }
    }

    private static ProgramRun stop(Installed installed, String mode) throws IOException {
        return installed.run(
                "pg_ctl",
                "",
                CONTROL_LIMIT,
                "stop",
                "-w",
                "-t",
                CONTROL_LIMIT_SECONDS,
                "-m",
                mode,
                "-D",
                installed.data().toString());
    }
}
