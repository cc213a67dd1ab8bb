package io.quiver.worker.kafka;

import io.quiver.embedded.EmbeddedKafka;
import io.quiver.embedded.EmbeddedS3;
import io.quiver.embedded.ServerSettings;
import io.quiver.objectstore.ObjectStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A worker with a broker, topics of one partition, and an S3 server of its own. */
record WorkerStack(EmbeddedKafka kafka, EmbeddedS3 s3, KafkaTopics topics, ObjectStore store, RunningWorker worker)
        implements AutoCloseable {
    static WorkerStack start(Path directory, String... settings) throws Exception {
        EmbeddedKafka kafka = EmbeddedKafka.start(ServerSettings.onFreePort(directory.resolve("kafka")));
        EmbeddedS3 s3 = EmbeddedS3.start(ServerSettings.onFreePort(directory.resolve("s3")));
        KafkaTopics topics = new KafkaTopics(kafka.bootstrapServers(), 1);
        List<String> all = new ArrayList<>(List.of(settings));
        all.add("--quiver.worker.temp-dir=" + directory.resolve("work"));
        RunningWorker worker = new RunningWorker(kafka, s3, all.toArray(String[]::new));
        return new WorkerStack(kafka, s3, topics, RunningWorker.store(s3), worker);
    }

    @Override
    public void close() {
        worker.close();
        store.close();
        topics.close();
        s3.close();
        kafka.close();
    }
}
