package io.quiver.worker.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.quiver.embedded.EmbeddedKafka;
import io.quiver.embedded.EmbeddedS3;
import io.quiver.embedded.ServerSettings;
import io.quiver.objectstore.ObjectStore;
import io.quiver.schemas.Event.PrototypesComputed;
import io.quiver.worker.UploadedAdapter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Workers as a group. */
class TwoWorkersTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int UPLOADS = 16;

    @Test
    void two_workers_share_the_uploads_and_one_takes_over_when_the_other_leaves(@TempDir Path dir) throws Exception {
        try (EmbeddedKafka kafka = EmbeddedKafka.start(ServerSettings.onFreePort(dir.resolve("kafka")));
                EmbeddedS3 s3 = EmbeddedS3.start(ServerSettings.onFreePort(dir.resolve("s3")));
                KafkaTopics topics = new KafkaTopics(kafka.bootstrapServers(), 4);
                ObjectStore store = RunningWorker.store(s3);
                RunningWorker staying = new RunningWorker(kafka, s3, "--quiver.worker.concurrency=2")) {
            UploadedAdapter adapter = UploadedAdapter.saved("r4-mlp-regex").storedIn(store);
            try (RunningWorker leaving = new RunningWorker(kafka, s3)) {
                // Three threads in the group: four partitions are one or two for each.
                await().atMost(LIMIT)
                        .until(() -> leaving.partitionCount() >= 1
                                && staying.partitionCount() + leaving.partitionCount() == 4);
                for (int n = 0; n < UPLOADS; n++) {
                    topics.send("before-" + n, adapter.uploadedAs("ns/before-" + n, 1));
                }

                await().atMost(LIMIT).until(() -> computed(topics, "before").size() == UPLOADS);
                assertThat(workers(topics, "before")).hasSize(2);
            }

            await().atMost(LIMIT).until(() -> staying.partitionCount() == 4);
            for (int n = 0; n < UPLOADS; n++) {
                topics.send("after-" + n, adapter.uploadedAs("ns/after-" + n, 1));
            }
            await().atMost(LIMIT).until(() -> computed(topics, "after").size() == UPLOADS);
            assertThat(workers(topics, "after")).hasSize(1);
            assertThat(topics.deadLetters()).isEmpty();
        }
    }

    private static Set<String> computed(KafkaTopics topics, String phase) {
        return IntStream.range(0, UPLOADS)
                .mapToObj(n -> "ns/" + phase + "-" + n)
                .filter(name ->
                        topics.said(name).stream().anyMatch(known -> known.event() instanceof PrototypesComputed))
                .collect(Collectors.toSet());
    }

    private static Set<String> workers(KafkaTopics topics, String phase) {
        return IntStream.range(0, UPLOADS)
                .boxed()
                .flatMap(n -> topics.said("ns/" + phase + "-" + n).stream())
                .filter(known -> known.event() instanceof PrototypesComputed)
                .map(known -> ((PrototypesComputed) known.event()).worker())
                .collect(Collectors.toSet());
    }
}
