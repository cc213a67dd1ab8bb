package io.quiver.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.embedded.EmbeddedS3;
import io.quiver.embedded.ServerSettings;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.objectstore.ObjectStoreSettings;
import io.quiver.objectstore.minio.MinioObjectStore;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.springframework.util.FileSystemUtils;

/**
 * What a worker finds around it, for one test class: an object store on a real S3 server, and a folder to work in, where no test may
 * leave anything.
 */
final class WorkerStore implements BeforeAllCallback, AfterEachCallback, AfterAllCallback {
    private static final Clock STANDING = Clock.fixed(Instant.parse("2026-11-22T10:00:00Z"), ZoneOffset.UTC);

    private Path directory;
    private Path workDir;
    private EmbeddedS3 server;
    private ObjectStore store;

    @Override
    public void beforeAll(ExtensionContext context) throws IOException {
        directory = Files.createTempDirectory("worker-store");
        workDir = Files.createDirectory(directory.resolve("work"));
        server = EmbeddedS3.start(ServerSettings.onFreePort(directory.resolve("s3")));
        store = new MinioObjectStore(new ObjectStoreSettings(
                server.endpoint(), server.accessKey(), server.secretKey(), "worker", "us-east-1"));
        store.ensureBucket();
    }

    @Override
    public void afterEach(ExtensionContext context) throws IOException {
        requireNothingLeft();
    }

    @Override
    public void afterAll(ExtensionContext context) throws IOException {
        store.close();
        server.close();
        FileSystemUtils.deleteRecursively(directory);
    }

    ObjectStore store() {
        return store;
    }

    Path workDir() {
        return workDir;
    }

    /** The folder to work in is empty. */
    void requireNothingLeft() throws IOException {
        try (var left = Files.list(workDir)) {
            assertThat(left).isEmpty();
        }
    }

    /** What computes prototypes here, where no base model is calibrated. */
    ComputeAdapterPrototypes computing(long weightsBytesMax) {
        return computing(store, weightsBytesMax);
    }

    /** The same with another store. */
    ComputeAdapterPrototypes computing(ObjectStore another, long weightsBytesMax) {
        MeasureEvidence unasked = new MeasureEvidence(
                another,
                workDir,
                new HeldCalibration(another, workDir, 1),
                TinyBase.held(another, workDir, 1),
                Clock.systemUTC());
        return new ComputeAdapterPrototypes(another, workDir, weightsBytesMax, unasked, STANDING);
    }

    byte[] bytes(String key) throws IOException {
        try (InputStream in = store.get(new ObjectKey(key))) {
            return in.readAllBytes();
        }
    }
}
