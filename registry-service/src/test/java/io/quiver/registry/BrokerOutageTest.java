package io.quiver.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.quiver.embedded.EmbeddedKafka;
import io.quiver.embedded.EmbeddedPostgres;
import io.quiver.embedded.EmbeddedStack;
import io.quiver.embedded.ServerSettings;
import io.quiver.schemas.Topics;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BrokerOutageTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    Path dir;

    @Test
    void a_broker_that_is_away_only_delays_events_and_a_restart_of_the_registry_loses_none() throws Exception {
        int port = freePort();
        String[] settings = {
            "--spring.datasource.url=" + newDatabase(), "--quiver.kafka.bootstrap-servers=127.0.0.1:" + port
        };
        String first = RunningRegistry.unique("outage");
        String second = RunningRegistry.unique("outage");
        String third = RunningRegistry.unique("outage");
        ServerSettings kafka = new ServerSettings(dir.resolve("kafka"), port, "none");

        try (RunningRegistry registry = RunningRegistry.start(settings)) {
            register(registry, first);
            try (EmbeddedKafka broker = EmbeddedKafka.start(kafka)) {
                awaitEvent(broker, first);
            }
            register(registry, second);
        }
        try (EmbeddedKafka broker = EmbeddedKafka.start(kafka);
                RunningRegistry registry = RunningRegistry.start(settings)) {
            awaitEvent(broker, second);
            register(registry, third);
            awaitEvent(broker, third);
            assertThat(registry.bean(Outbox.class).unpublished(10)).isEmpty();
        }
    }

    private static void register(RunningRegistry registry, String base) {
        assertThat(registry.http()
                        .upload("/v1/base-models?name=" + base, TinyModels.base(TinyModels.HIDDEN, 1))
                        .status())
                .isEqualTo(201);
    }

    private static void awaitEvent(EmbeddedKafka broker, String base) {
        try (TopicReader adapters = new TopicReader(broker.bootstrapServers(), Topics.ADAPTERS);
                TopicReader catalog = new TopicReader(broker.bootstrapServers(), Topics.CATALOG)) {
            String key = "base/" + base;
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(adapters.types(key)).contains("BaseModelRegistered"));
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(catalog.types(key)).contains("BaseModelCatalogued"));
        }
    }

    /** A database of its own, because one relay serves a whole database. */
    private static String newDatabase() throws Exception {
        EmbeddedPostgres postgres = EmbeddedStack.shared().postgres();
        try (Connection connection =
                        DriverManager.getConnection(postgres.jdbcUrl(), postgres.user(), postgres.password());
                Statement statement = connection.createStatement()) {
            statement.execute("create database outage");
        }
        return postgres.jdbcUrl().replaceFirst("/[^/]*$", "/outage");
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
