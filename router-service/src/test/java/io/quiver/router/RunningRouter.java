package io.quiver.router;

import static org.awaitility.Awaitility.await;

import io.quiver.embedded.EmbeddedKafka;
import io.quiver.embedded.EmbeddedS3;
import io.quiver.embedded.ServerSettings;
import io.quiver.lora.arrow.ComputePrototypes;
import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.arrow.PrototypeFile;
import io.quiver.lora.arrow.PrototypeResult;
import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.LoraAdapter;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.objectstore.ObjectStoreSettings;
import io.quiver.objectstore.minio.MinioObjectStore;
import io.quiver.schemas.AdapterName;
import io.quiver.schemas.AdapterState;
import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event;
import io.quiver.schemas.PrototypeFileRef;
import io.quiver.schemas.StoredFile;
import io.quiver.schemas.Topics;
import io.quiver.schemas.kafka.CloudEventCodec;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.web.server.servlet.context.ServletWebServerApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * The router as it runs, on a real broker and a real S3 server, with no registry and no worker anywhere: the catalogue is
 * written by the test.
 */
final class RunningRouter implements AutoCloseable {
    static final String BASE = "tiny-llama";
    private static final String BUCKET = "quiver";

    final EmbeddedKafka kafka;
    final EmbeddedS3 s3;
    final ObjectStore store;
    final KafkaProducer<String, byte[]> producer;
    private final Path directory;
    private final CloudEventCodec codec = new CloudEventCodec(URI.create("/quiver/registry"));
    private BaseModelRef base;
    private ConfigurableApplicationContext context;

    RunningRouter(Path directory) throws Exception {
        this.directory = directory;
        kafka = EmbeddedKafka.start(ServerSettings.onFreePort(directory.resolve("kafka")));
        s3 = EmbeddedS3.start(ServerSettings.onFreePort(directory.resolve("s3")));
        store = new MinioObjectStore(
                new ObjectStoreSettings(s3.endpoint(), s3.accessKey(), s3.secretKey(), BUCKET, "us-east-1"));
        store.ensureBucket();
        producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", kafka.bootstrapServers(), "acks", "all"),
                new StringSerializer(),
                new ByteArraySerializer());
    }

    /** A running one with the fixture model, ready to answer, and these fixture experts as {@code t/<name>}. */
    static RunningRouter withExperts(Path directory, List<String> experts, String... settings) throws Exception {
        RunningRouter router = new RunningRouter(directory);
        router.createTopics();
        router.catalogueBase();
        for (String expert : experts) {
            router.catalogue("t/" + expert, Map.of("champion", 1), router.storeExpert(expert, 1));
        }
        router.start(settings);
        router.awaitReady();
        return router;
    }

    /** Waits until the catalogue is read and the model loaded. */
    void awaitReady() {
        await().atMost(Duration.ofSeconds(30)).until(() -> bean(Catalogue.class).isReady());
        model();
    }

    void createTopics() throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()))) {
            admin.createTopics(List.of(
                            new NewTopic(Topics.CATALOG, 3, (short) 1).configs(Map.of("cleanup.policy", "compact")),
                            new NewTopic(Topics.DEAD_LETTERS, 1, (short) 1)))
                    .all()
                    .get();
        }
    }

    void start(String... settings) {
        List<String> arguments = new ArrayList<>(List.of(
                "--server.port=0",
                "--quiver.kafka.bootstrap-servers=" + kafka.bootstrapServers(),
                "--quiver.object-store.endpoint=" + s3.endpoint(),
                "--quiver.object-store.access-key=" + s3.accessKey(),
                "--quiver.object-store.secret-key=" + s3.secretKey(),
                "--quiver.router.cache-dir=" + directory.resolve("cache"),
                // Parity with the goldens and between batches needs full precision.
                "--quiver.router.decoder.precision=fp32",
                "--quiver.router.decoder.threads=1"));
        arguments.addAll(List.of(settings));
        context = RouterApplication.builder().run(arguments.toArray(String[]::new));
    }

    URI url(String path) {
        int port = ((ServletWebServerApplicationContext) context).getWebServer().getPort();
        return URI.create("http://127.0.0.1:" + port + path);
    }

    <T> T bean(Class<T> type) {
        return context.getBean(type);
    }

    ServedModel model() {
        BaseModel known = bean(Catalogue.class).snapshot().base(BASE).orElseThrow();
        return bean(ServedModels.class).await(known);
    }

    static Path resource(String name) {
        try {
            return Path.of(Objects.requireNonNull(RunningRouter.class.getResource("/" + name), name)
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Stores the fixture model and writes it into the catalogue. */
    void catalogueBase() throws Exception {
        catalogueBase(null);
    }

    /** The same with a calibration. */
    void catalogueBase(@Nullable CalibrationRef calibration) throws Exception {
        List<StoredFile> files = storeFolder(resource("models/llama"));
        base = new BaseModelRef(BASE, digestOf(files));
        publish(new Event.BaseModelCatalogued(base, files, calibration));
    }

    /** The fixture model, once it is in the catalogue. */
    BaseModelRef base() {
        return base;
    }

    /** Stores a fixture expert and its prototypes; gives its version for a catalogue entry. */
    Event.CataloguedVersion storeExpert(String expert, int version) throws Exception {
        return storeExpert(resource("experts/" + expert), version);
    }

    /** The same of any adapter. */
    Event.CataloguedVersion storeExpert(Path folder, int version) throws Exception {
        List<StoredFile> files = storeFolder(folder);
        Digest digest = digestOf(files);
        List<ModulePrototype> prototypes = new ArrayList<>();
        try (LoraAdapter adapter = LoraAdapter.open(folder, AdapterLimits.DEFAULT)) {
            for (PrototypeResult result : new ComputePrototypes().compute(adapter)) {
                prototypes.add(((PrototypeResult.Computed) result).prototype());
            }
        }
        byte[] bytes = new PrototypeFile(ComputePrototypes.ALGORITHM, digest.toString(), prototypes).toBytes();
        ObjectKey key = ObjectKey.prototypes(digest.hex(), ComputePrototypes.ALGORITHM);
        store.put(key, new ByteArrayInputStream(bytes), bytes.length);
        return new Event.CataloguedVersion(
                version,
                digest,
                AdapterState.READY,
                base,
                files,
                new PrototypeFileRef(ComputePrototypes.ALGORITHM, key.value(), Digest.of(bytes), bytes.length),
                Instant.parse("2026-11-22T00:00:00Z"));
    }

    void catalogue(String name, Map<String, Integer> aliases, Event.CataloguedVersion... versions) throws Exception {
        publish(new Event.AdapterCatalogued(
                AdapterName.parse(name),
                Map.of("skill", name.substring(name.indexOf('/') + 1)),
                aliases,
                List.of(versions)));
    }

    void publish(Event event) throws InterruptedException, ExecutionException {
        producer.send(codec.encode(UUID.randomUUID().toString(), Instant.now(), event))
                .get();
    }

    void publishRaw(String key, byte[] value) throws InterruptedException, ExecutionException {
        producer.send(new ProducerRecord<>(Topics.CATALOG, key, value)).get();
    }

    private List<StoredFile> storeFolder(Path folder) throws IOException {
        try (Stream<Path> paths = Files.list(folder)) {
            return paths.sorted().map(this::storeFile).toList();
        }
    }

    StoredFile storeFile(String name, byte[] bytes) throws IOException {
        Digest digest = Digest.of(bytes);
        store.put(ObjectKey.blob(digest.hex()), new ByteArrayInputStream(bytes), bytes.length);
        return new StoredFile(name, digest, bytes.length);
    }

    private StoredFile storeFile(Path path) {
        try {
            return storeFile(path.getFileName().toString(), Files.readAllBytes(path));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Digest digestOf(List<StoredFile> files) {
        return Digest.ofFiles(files.stream().collect(Collectors.toMap(StoredFile::name, StoredFile::digest)));
    }

    void stopRouter() {
        context.close();
    }

    @Override
    public void close() {
        if (context != null) {
            context.close();
        }
        producer.close(Duration.ofSeconds(1));
        store.close();
        kafka.close();
        s3.close();
    }
}
