package io.quiver.objectstore.minio;

import io.quiver.objectstore.ObjectStore;
import io.quiver.objectstore.ObjectStoreContract;
import io.quiver.objectstore.ObjectStoreSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.images.builder.Transferable;
import org.testcontainers.utility.DockerImageName;

/** The contract on SeaweedFS in a container: the very image that docker-compose.yml runs. */
@NeedsDocker
class SeaweedFsObjectStoreIT extends ObjectStoreContract {
    private static final int S3_PORT = 8333;
    private static final String IMAGE_VARIABLE = "QUIVER_S3_IMAGE";
    private static final String IDENTITIES =
            "{\"identities\":[{\"name\":\"quiver\",\"credentials\":[{\"accessKey\":\"quiver\","
                    + "\"secretKey\":\"quiver-secret\"}],\"actions\":[\"Admin\",\"Read\",\"Write\",\"List\"]}]}";

    private static GenericContainer<?> container;
    private static ObjectStore store;

    @BeforeAll
    static void start() throws IOException {
        container = new GenericContainer<>(DockerImageName.parse(image()))
                .withCreateContainerCmdModifier(command -> command.withEntrypoint("weed"))
                .withCommand(
                        "server",
                        "-dir=/data",
                        "-s3",
                        "-s3.port=" + S3_PORT,
                        "-s3.config=/tmp/s3.json",
                        "-master.volumeSizeLimitMB=64",
                        "-volume.max=0")
                .withCopyToContainer(Transferable.of(IDENTITIES), "/tmp/s3.json")
                .withExposedPorts(S3_PORT)
                .waitingFor(Wait.forHttp("/healthz").forPort(S3_PORT))
                .withStartupTimeout(Duration.ofMinutes(2));
        container.start();
        store = new MinioObjectStore(new ObjectStoreSettings(
                "http://" + container.getHost() + ":" + container.getMappedPort(S3_PORT),
                "quiver",
                "quiver-secret",
                "contract",
                "us-east-1"));
        store.ensureBucket();
    }

    @AfterAll
    static void stop() {
        if (store != null) {
            store.close();
        }
        container.stop();
    }

    @Override
    protected ObjectStore store() {
        return store;
    }

    /** What compose would run: the image of the environment, else the one that the file pins. */
    private static String image() throws IOException {
        String compose = Files.readString(Path.of("..", "docker-compose.yml"));
        Matcher pinned =
                Pattern.compile("\\$\\{" + IMAGE_VARIABLE + ":-([^}]+)}").matcher(compose);
        if (!pinned.find()) {
            throw new IllegalStateException("docker-compose.yml names no image by " + IMAGE_VARIABLE);
        }
        return Optional.ofNullable(System.getenv(IMAGE_VARIABLE)).orElse(pinned.group(1));
    }
}
