package io.quiver.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EmbeddedPostgresTest {
    private Path dir;

    @BeforeEach
    void directory_that_others_may_pass() throws IOException {
        dir = Files.createTempDirectory("quiver-postgres-test");
        Files.setPosixFilePermissions(dir, PosixFilePermissions.fromString("rwx--x--x"));
    }

    @AfterEach
    void delete() throws IOException {
        Directories.delete(dir);
    }

    @Test
    void it_is_the_expected_version_and_durable_and_asks_for_a_password() throws SQLException {
        try (var postgres = EmbeddedPostgres.start(ServerSettings.onFreePort(dir))) {
            try (Connection connection = connect(postgres)) {
                assertThat(query(connection, "SHOW server_version")).isEqualTo(EmbeddedPostgres.VERSION);
                assertThat(query(connection, "SHOW fsync")).isEqualTo("on");
                assertThat(query(connection, "SHOW synchronous_commit")).isEqualTo("on");
                assertThat(query(connection, "SHOW listen_addresses")).isEqualTo("127.0.0.1");
                assertThat(query(connection, "SHOW server_encoding")).isEqualTo("UTF8");
            }
            assertThatThrownBy(() -> DriverManager.getConnection(postgres.jdbcUrl(), postgres.user(), "guess"))
                    .isInstanceOf(SQLException.class)
                    .hasMessageContaining("password");
        }
    }

    @Test
    void rows_are_there_after_a_restart_on_another_port() throws SQLException {
        try (var first = EmbeddedPostgres.start(ServerSettings.onFreePort(dir))) {
            write(first);
        }
        try (var second = EmbeddedPostgres.start(ServerSettings.onFreePort(dir))) {
            assertThat(read(second)).isEqualTo("kept");
        }
    }

    @Test
    void a_directory_closed_to_other_accounts_is_served_too() throws IOException, SQLException {
        Path closed = Files.createDirectory(dir.resolve("closed"));
        Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("rwx------"));
        Path inside = closed.resolve("postgresql");
        try (var first = EmbeddedPostgres.start(ServerSettings.onFreePort(inside))) {
            write(first);
        }
        try (var second = EmbeddedPostgres.start(ServerSettings.onFreePort(inside))) {
            assertThat(read(second)).isEqualTo("kept");
        }
    }

    @Test
    void rows_are_there_after_the_program_was_killed_and_its_server_left_behind() throws Exception {
        Process program = startProgramThatWritesAndWaits();
        long orphan = serverProcess();
        program.destroyForcibly();
        assertThat(program.waitFor(10, TimeUnit.SECONDS)).isTrue();
        assertThat(ProcessHandle.of(orphan))
                .as("the server outlives a killed program")
                .isPresent();

        try (var postgres = EmbeddedPostgres.start(ServerSettings.onFreePort(dir))) {
            assertThat(read(postgres)).isEqualTo("kept");
            assertThat(serverProcess()).isNotEqualTo(orphan);
        }
    }

    @Test
    void rows_are_there_after_program_and_server_were_killed_and_the_process_number_was_taken_by_another()
            throws Exception {
        Process program = startProgramThatWritesAndWaits();
        long orphan = serverProcess();
        program.destroyForcibly();
        ProcessHandle.of(orphan).orElseThrow().destroyForcibly();
        ProcessHandle.of(orphan).ifPresent(process -> process.onExit().join());
        Path pidFile = dir.resolve("data/postmaster.pid");
        String pids = Files.readString(pidFile);
        Files.writeString(
                pidFile,
                pids.replaceFirst("\\d+", Long.toString(ProcessHandle.current().pid())));

        try (var postgres = EmbeddedPostgres.start(ServerSettings.onFreePort(dir))) {
            assertThat(read(postgres)).isEqualTo("kept");
        }
    }

    @Test
    void a_taken_port_is_named_with_who_needs_it_and_how_to_choose_another() throws IOException {
        try (var taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            var settings = new ServerSettings(dir, taken.getLocalPort(), "--postgres-port");
            assertThatThrownBy(() -> EmbeddedPostgres.start(settings))
                    .isInstanceOf(PortTakenException.class)
                    .hasMessage("port " + taken.getLocalPort()
                            + " on 127.0.0.1 is taken; PostgreSQL needs it: choose another with --postgres-port");
        }
    }

    @Test
    void a_directory_in_use_is_refused_and_its_server_left_alone() throws SQLException {
        try (var postgres = EmbeddedPostgres.start(ServerSettings.onFreePort(dir))) {
            assertThatThrownBy(() -> EmbeddedPostgres.start(ServerSettings.onFreePort(dir)))
                    .isInstanceOf(EmbeddedServerException.class)
                    .hasMessageContaining("another running program uses " + dir);
            write(postgres);
        }
    }

    @Test
    void the_password_is_readable_by_its_owner_alone() throws IOException {
        try (var postgres = EmbeddedPostgres.start(ServerSettings.onFreePort(dir))) {
            Path file = dir.resolve("password");
            assertThat(Files.readString(file)).isEqualTo(postgres.password());
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                    .isEqualTo("rw-------");
        }
    }

    /** Run in a JVM of its own: starts a server on the directory, writes a row, says so and waits to be killed. */
    public static void main(String[] arguments) throws Exception {
        var postgres = EmbeddedPostgres.start(ServerSettings.onFreePort(Path.of(arguments[0])));
        write(postgres);
        System.out.println("written");
        Thread.currentThread().join();
    }

    private Process startProgramThatWritesAndWaits() throws IOException {
        Process program = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        EmbeddedPostgresTest.class.getName(),
                        dir.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        var output = new BufferedReader(new InputStreamReader(program.getInputStream(), StandardCharsets.UTF_8));
        assertThat(output.readLine()).isEqualTo("written");
        return program;
    }

    private long serverProcess() throws IOException {
        return Long.parseLong(
                Files.readAllLines(dir.resolve("data/postmaster.pid")).get(0));
    }

    private static void write(EmbeddedPostgres postgres) throws SQLException {
        try (Connection connection = connect(postgres);
                var statement = connection.createStatement()) {
            statement.execute("CREATE TABLE note AS SELECT 'kept' AS text");
        }
    }

    private static String read(EmbeddedPostgres postgres) throws SQLException {
        try (Connection connection = connect(postgres)) {
            return query(connection, "SELECT text FROM note");
        }
    }

    private static Connection connect(EmbeddedPostgres postgres) throws SQLException {
        return DriverManager.getConnection(postgres.jdbcUrl(), postgres.user(), postgres.password());
    }

    private static String query(Connection connection, String sql) throws SQLException {
        try (var statement = connection.createStatement();
                var rows = statement.executeQuery(sql)) {
            assertThat(rows.next()).isTrue();
            return rows.getString(1);
        }
    }
}
