package io.quiver.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.quiver.embedded.LoopbackPort;
import io.quiver.schemas.Event.AdapterUploaded;
import io.quiver.schemas.Topics;
import io.quiver.schemas.kafka.CloudEventCodec;
import io.quiver.schemas.kafka.Decoded;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.springframework.context.ConfigurableApplicationContext;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.images.builder.Transferable;
import org.testcontainers.utility.DockerImageName;

/** The registry on the PostgreSQL, Kafka and SeaweedFS that docker-compose.yml runs. */
@EnabledIf(value = "anEngineAnswers", disabledReason = RegistryOnContainersIT.SKIPPED)
class RegistryOnContainersIT {
    static final String SKIPPED =
            "SKIPPED, NOT PASSED: RegistryOnContainersIT needs a Docker engine, and none answers. Start"
                    + " one (or set DOCKER_HOST) and run: mvn verify -pl registry-service -am";

    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final String SECRET = "quiver-secret";
    private static final int POSTGRES_PORT = 5432;
    private static final int S3_PORT = 8333;
    private static final int KAFKA_PORT = 9092;

    private static final List<GenericContainer<?>> CONTAINERS = new ArrayList<>();
    private static String kafka;
    private static ConfigurableApplicationContext registry;
    private static RegistryHttp http;

    static boolean anEngineAnswers() {
        boolean answers = DockerClientFactory.instance().isDockerAvailable();
        if (!answers) {
            System.err.println(SKIPPED);
        }
        return answers;
    }

    @BeforeAll
    static void start() throws IOException {
        GenericContainer<?> postgres = postgres();
        GenericContainer<?> s3 = seaweedFs();
        kafka = startKafka();
        registry = RegistryApplication.builder()
                .run(
                        "--server.port=0",
                        "--spring.main.banner-mode=off",
                        "--quiver.kafka.bootstrap-servers=" + kafka,
                        "--quiver.object-store.endpoint=http://" + address(s3, S3_PORT),
                        "--quiver.object-store.access-key=quiver",
                        "--quiver.object-store.secret-key=" + SECRET,
                        "--spring.datasource.url=jdbc:postgresql://" + address(postgres, POSTGRES_PORT) + "/quiver",
                        "--spring.datasource.username=quiver",
                        "--spring.datasource.password=" + SECRET);
        http = new RegistryHttp(
                URI.create("http://127.0.0.1:" + registry.getEnvironment().getProperty("local.server.port")));
    }

    @AfterAll
    static void stop() {
        if (registry != null) {
            registry.close();
        }
        CONTAINERS.forEach(GenericContainer::stop);
    }

    @Test
    void an_adapter_is_taken_in_once_and_told_of() {
        assertThat(http.upload("/v1/base-models?name=tiny", TinyModels.base(TinyModels.HIDDEN, 1))
                        .status())
                .isEqualTo(201);
        RegistryHttp.Form form = TinyModels.adapter(2).form("tiny");

        assertThat(http.upload("/v1/adapters/ns/contained/versions", form).status())
                .isEqualTo(201);
        assertThat(http.upload("/v1/adapters/ns/contained/versions", form).status())
                .isEqualTo(200);

        RegistryHttp.Answer version = http.get("/v1/adapters/ns/contained/versions/1");
        assertThat(version.body().path("state").asString()).isEqualTo("UPLOADED");
        List<AdapterUploaded> told = uploads();
        assertThat(told).hasSize(1);
        assertThat(told.get(0).digest().toString())
                .isEqualTo(version.body().path("digest").asString());
    }

    @Test
    void the_registry_is_ready() {
        await().atMost(LIMIT).until(() -> http.get("/actuator/health/readiness").status() == 200);
    }

    private static List<AdapterUploaded> uploads() {
        List<AdapterUploaded> found = new ArrayList<>();
        try (var consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", kafka, "group.id", "test", "auto.offset.reset", "earliest"),
                new StringDeserializer(),
                new ByteArrayDeserializer())) {
            consumer.subscribe(List.of(Topics.ADAPTERS));
            await().atMost(LIMIT).until(() -> {
                consumer.poll(Duration.ofMillis(200)).forEach(record -> {
                    if (CloudEventCodec.decode(record) instanceof Decoded.Known known
                            && known.event() instanceof AdapterUploaded uploaded) {
                        found.add(uploaded);
                    }
                });
                return !found.isEmpty();
            });
        }
        return found;
    }

    private static GenericContainer<?> postgres() throws IOException {
        return started(container("QUIVER_POSTGRES_IMAGE")
                .withEnv(Map.of("POSTGRES_USER", "quiver", "POSTGRES_PASSWORD", SECRET, "POSTGRES_DB", "quiver"))
                .withExposedPorts(POSTGRES_PORT)
                .waitingFor(Wait.forListeningPort()));
    }

    private static GenericContainer<?> seaweedFs() throws IOException {
        String identities =
                "{\"identities\":[{\"name\":\"quiver\",\"credentials\":[{\"accessKey\":\"quiver\",\"secretKey\":\""
                        + SECRET + "\"}],\"actions\":[\"Admin\",\"Read\",\"Write\",\"List\"]}]}";
        return started(container("QUIVER_S3_IMAGE")
                .withCreateContainerCmdModifier(command -> command.withEntrypoint("weed"))
                .withCommand(
                        "server",
                        "-dir=/data",
                        "-s3",
                        "-s3.port=" + S3_PORT,
                        "-s3.config=/tmp/s3.json",
                        "-volume.max=0")
                .withCopyToContainer(Transferable.of(identities), "/tmp/s3.json")
                .withExposedPorts(S3_PORT)
                .waitingFor(Wait.forHttp("/healthz").forPort(S3_PORT)));
    }

    /** Kafka tells its clients where it is, so its port is chosen before it starts. */
    private static String startKafka() throws IOException {
        int port = LoopbackPort.free();
        String host = DockerClientFactory.instance().dockerHostIpAddress();
        GenericContainer<?> broker = container("QUIVER_KAFKA_IMAGE")
                .withEnv(Map.of(
                        "CLUSTER_ID", "cXVpdmVyLWNvbnRhaW5lcg",
                        "KAFKA_NODE_ID", "1",
                        "KAFKA_PROCESS_ROLES", "broker,controller",
                        "KAFKA_LISTENERS", "PLAINTEXT://:" + KAFKA_PORT + ",CONTROLLER://:9093",
                        "KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT://" + host + ":" + port,
                        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                        "KAFKA_CONTROLLER_LISTENER_NAMES", "CONTROLLER",
                        "KAFKA_CONTROLLER_QUORUM_VOTERS", "1@localhost:9093",
                        "KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false",
                        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", "1"))
                .withExposedPorts(KAFKA_PORT)
                .waitingFor(Wait.forListeningPort());
        broker.setPortBindings(List.of(port + ":" + KAFKA_PORT));
        started(broker);
        return host + ":" + port;
    }

    private static GenericContainer<?> container(String imageVariable) throws IOException {
        return new GenericContainer<>(DockerImageName.parse(image(imageVariable))).withStartupTimeout(LIMIT);
    }

    private static GenericContainer<?> started(GenericContainer<?> container) {
        CONTAINERS.add(container);
        container.start();
        return container;
    }

    private static String address(GenericContainer<?> container, int port) {
        return container.getHost() + ":" + container.getMappedPort(port);
    }

    /** What compose would run: the image of the environment, else the one that the file pins. */
    private static String image(String variable) throws IOException {
        String compose = Files.readString(Path.of("..", "docker-compose.yml"));
        Matcher pinned = Pattern.compile("\\$\\{" + variable + ":-([^}]+)}").matcher(compose);
        if (!pinned.find()) {
            throw new IllegalStateException("docker-compose.yml names no image by " + variable);
        }
        return Optional.ofNullable(System.getenv(variable)).orElse(pinned.group(1));
    }
}
