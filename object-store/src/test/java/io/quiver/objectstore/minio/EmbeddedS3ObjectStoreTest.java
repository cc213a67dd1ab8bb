package io.quiver.objectstore.minio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.quiver.embedded.EmbeddedS3;
import io.quiver.embedded.ServerSettings;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.objectstore.ObjectStoreContract;
import io.quiver.objectstore.ObjectStoreException;
import io.quiver.objectstore.ObjectStoreSettings;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The contract on the S3 server that runs in the program, and what happens when a server is not as it should be. */
class EmbeddedS3ObjectStoreTest extends ObjectStoreContract {
    private static final long SMALLEST_PART_BYTES = 5 << 20;
    private static final Retries THREE_QUICK = new Retries(3, Duration.ofMillis(1), Duration.ofMillis(2));

    @TempDir
    static Path dir;

    private static EmbeddedS3 server;
    private static ObjectStore store;

    @BeforeAll
    static void start() {
        server = EmbeddedS3.start(ServerSettings.onFreePort(dir));
        store = new MinioObjectStore(settings("contract"));
        store.ensureBucket();
    }

    @AfterAll
    static void stop() {
        store.close();
        server.close();
    }

    @Override
    protected ObjectStore store() {
        return store;
    }

    @Test
    void a_large_object_is_copied_in_parts() throws IOException {
        int sizeBytes = 16_000_001;
        put(key("large/from"), content(sizeBytes));

        try (var inParts = new MinioObjectStore(settings("contract"), SMALLEST_PART_BYTES + 300_000, THREE_QUICK)) {
            inParts.copy(key("large/from"), key("large/to"));
        }

        assertThat(read(key("large/to"))).isEqualTo(content(sizeBytes));
    }

    @Test
    void a_wrong_key_is_refused_at_once() {
        var wrong = new ObjectStoreSettings(server.endpoint(), server.accessKey(), "wrong", "contract", "us-east-1");
        try (var stranger = new MinioObjectStore(wrong)) {
            assertThatExceptionOfType(ObjectStoreException.class).isThrownBy(() -> stranger.get(key("any")));
            assertThatExceptionOfType(ObjectStoreException.class).isThrownBy(stranger::ensureBucket);
        }
    }

    @Test
    void a_bucket_that_is_missing_is_no_missing_object() {
        try (var astray = new MinioObjectStore(settings("never-made"))) {
            assertThatExceptionOfType(ObjectStoreException.class)
                    .isThrownBy(() -> astray.put(key("any"), new ByteArrayInputStream(new byte[1]), 1))
                    .withMessageContaining("bucket");
        }
    }

    @Test
    void a_store_that_does_not_answer_is_tried_a_bounded_number_of_times() throws IOException {
        int port;
        try (ServerSocket taken = new ServerSocket(0)) {
            port = taken.getLocalPort();
        }
        var nobody = new ObjectStoreSettings("http://127.0.0.1:" + port, "key", "secret", "contract", "us-east-1");
        try (var unreachable = new MinioObjectStore(nobody, Long.MAX_VALUE, THREE_QUICK)) {
            assertThatExceptionOfType(ObjectStoreException.class)
                    .isThrownBy(unreachable::ensureBucket)
                    .withMessageContaining("could not look for bucket contract at http://127.0.0.1:" + port);
            assertThatExceptionOfType(ObjectStoreException.class)
                    .isThrownBy(() -> unreachable.find(new ObjectKey("any")));
        }
    }

    @Test
    void a_store_that_starts_late_is_waited_for(@TempDir Path lateDir) throws Exception {
        EmbeddedS3 early = EmbeddedS3.start(ServerSettings.onFreePort(lateDir));
        int port = early.port();
        early.close();
        var settings =
                new ObjectStoreSettings(early.endpoint(), early.accessKey(), early.secretKey(), "late", "us-east-1");

        try (var waiting = new MinioObjectStore(settings)) {
            Thread ensuring = new Thread(waiting::ensureBucket);
            ensuring.start();
            try (var late = EmbeddedS3.start(new ServerSettings(lateDir, port, "port"))) {
                ensuring.join(30_000);
                assertThat(ensuring.isAlive()).isFalse();
                assertThat(late.port()).isEqualTo(port);
                waiting.put(key("after"), new ByteArrayInputStream(new byte[1]), 1);
                assertThat(waiting.find(key("after"))).isPresent();
            }
        }
    }

    private static ObjectStoreSettings settings(String bucket) {
        return new ObjectStoreSettings(server.endpoint(), server.accessKey(), server.secretKey(), bucket, "us-east-1");
    }
}
