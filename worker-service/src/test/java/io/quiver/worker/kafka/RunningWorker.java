package io.quiver.worker.kafka;

import io.quiver.embedded.EmbeddedKafka;
import io.quiver.embedded.EmbeddedS3;
import io.quiver.objectstore.ObjectStore;
import io.quiver.objectstore.ObjectStoreSettings;
import io.quiver.objectstore.minio.MinioObjectStore;
import io.quiver.worker.WorkerApplication;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;

/** The real worker application in this JVM, on a free port. */
final class RunningWorker implements AutoCloseable {
    static final String BUCKET = "quiver";
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private final ConfigurableApplicationContext context;

    RunningWorker(EmbeddedKafka kafka, EmbeddedS3 s3, String... settings) {
        List<String> arguments = new ArrayList<>(List.of(
                "--spring.config.name=worker",
                "--server.port=0",
                "--quiver.kafka.bootstrap-servers=" + kafka.bootstrapServers(),
                "--quiver.object-store.endpoint=" + s3.endpoint(),
                "--quiver.object-store.access-key=" + s3.accessKey(),
                "--quiver.object-store.secret-key=" + s3.secretKey(),
                "--quiver.object-store.bucket=" + BUCKET));
        arguments.addAll(List.of(settings));
        context = SpringApplication.run(WorkerApplication.class, arguments.toArray(String[]::new));
    }

    /** A store of our own on the worker's bucket. */
    static ObjectStore store(EmbeddedS3 s3) {
        ObjectStore store = new MinioObjectStore(
                new ObjectStoreSettings(s3.endpoint(), s3.accessKey(), s3.secretKey(), BUCKET, "us-east-1"));
        store.ensureBucket();
        return store;
    }

    int partitionCount() {
        return context.getBean(GroupMembership.class).partitionCount();
    }

    /** The status of {@code /actuator/health/<group>}. */
    int health(String group) throws IOException, InterruptedException {
        String port = context.getEnvironment().getRequiredProperty("local.server.port");
        return HTTP.send(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/actuator/health/" + group))
                                .build(),
                        HttpResponse.BodyHandlers.ofString())
                .statusCode();
    }

    @Override
    public void close() {
        context.close();
    }
}
