package io.quiver.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.quiver.embedded.EmbeddedKafka;
import io.quiver.embedded.EmbeddedPostgres;
import io.quiver.embedded.EmbeddedStack;
import io.quiver.embedded.ServerSettings;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.schemas.Topics;
import java.io.ByteArrayInputStream;
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
    void a_broker_that_is_away_only_delays_events_and_collections_and_a_restart_of_the_registry_loses_none()
            throws Exception {
        int port = freePort();
        String[] settings = {
            "--spring.datasource.url=" + newDatabase(),
            "--quiver.kafka.bootstrap-servers=127.0.0.1:" + port,
            "--quiver.object-store.bucket=outage"
        };
        String first = RunningRegistry.unique("outage");
        String second = RunningRegistry.unique("outage");
        String third = RunningRegistry.unique("outage");
        ServerSettings kafka = new ServerSettings(dir.resolve("kafka"), port, "none");

        try (RunningRegistry registry = RunningRegistry.start(settings)) {
            register(registry, first);
            Needless needless = Needless.storedBy(registry);
            assertThat(needless.isCollected()).isFalse();
            try (EmbeddedKafka broker = EmbeddedKafka.start(kafka)) {
                awaitEvent(broker, first);
                await().atMost(PATIENCE).until(needless::isCollected);
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

    /** A file that nothing refers to. It goes when the broker was told of all that was committed before that was noticed. */
    private record Needless(
            ObjectStore store, ObjectKey key, SweepMeasuredFiles sweep, SweepMeasuredFilesTest.HandSetClock clock) {
        static Needless storedBy(RunningRegistry registry) {
            ObjectStore store = registry.bean(ObjectStore.class);
            ObjectKey key = ObjectKey.prototypes("0123456789abcdef".repeat(4), "arrow-v1");
            store.put(key, new ByteArrayInputStream(new byte[1]), 1);
            SweepMeasuredFilesTest.HandSetClock clock = new SweepMeasuredFilesTest.HandSetClock();
            return new Needless(store, key, SweepMeasuredFilesTest.sweep(registry, clock), clock);
        }

        /** After three sweeps more, with more than enough time between them. */
        boolean isCollected() {
            for (int n = 0; n < 3; n++) {
                clock.pass(Duration.ofHours(2));
                sweep.sweep();
            }
            return store.find(key).isEmpty();
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
        String name = RunningRegistry.unique("outage").replace('-', '_');
        try (Connection connection =
                        DriverManager.getConnection(postgres.jdbcUrl(), postgres.user(), postgres.password());
                Statement statement = connection.createStatement()) {
            statement.execute("create database " + name);
        }
        return postgres.jdbcUrl().replaceFirst("/[^/]*$", "/" + name);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
