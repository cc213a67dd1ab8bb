package io.quiver.worker.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.quiver.embedded.EmbeddedKafka;
import io.quiver.embedded.EmbeddedS3;
import io.quiver.embedded.ServerSettings;
import io.quiver.objectstore.ObjectStore;
import io.quiver.schemas.Event.AdapterUploaded;
import io.quiver.schemas.Event.PrototypesComputed;
import io.quiver.schemas.Event.PrototypesFailed;
import io.quiver.schemas.Event.PrototypesStarted;
import io.quiver.schemas.kafka.Decoded;
import io.quiver.worker.UploadedAdapter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a worker does while the object store or the broker is away. */
class WorkerOutageTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @Test
    void without_the_store_it_tries_again_for_a_while_and_then_gives_up_and_goes_on(@TempDir Path dir)
            throws Exception {
        EmbeddedS3 s3 = EmbeddedS3.start(ServerSettings.onFreePort(dir.resolve("s3")));
        try (EmbeddedKafka kafka = EmbeddedKafka.start(ServerSettings.onFreePort(dir.resolve("kafka")));
                KafkaTopics topics = new KafkaTopics(kafka.bootstrapServers(), 1);
                RunningWorker worker = new RunningWorker(kafka, s3, "--quiver.worker.retry-for=1500ms")) {
            AdapterUploaded uploaded;
            try (ObjectStore store = RunningWorker.store(s3)) {
                uploaded = UploadedAdapter.saved("r1-qv").storedIn(store).uploadedAs("ns/a", 1);
            }
            s3.close();

            topics.send("1", uploaded);

            List<Decoded.Known> said = await().atMost(LIMIT)
                    .until(
                            () -> topics.said("ns/a"),
                            all -> all.stream().anyMatch(known -> known.event() instanceof PrototypesFailed));
            PrototypesFailed failed =
                    (PrototypesFailed) said.get(said.size() - 1).event();
            assertThat(failed.code()).isEqualTo("worker_gave_up");
            assertThat(failed.message()).contains("ask for another computation");
            // One PrototypesStarted per attempt, all with one id: for whoever records them they are one.
            List<Decoded.Known> started = said.subList(0, said.size() - 1);
            assertThat(started).hasSizeGreaterThan(1);
            assertThat(started).allSatisfy(known -> assertThat(known.event()).isInstanceOf(PrototypesStarted.class));
            assertThat(started.stream().map(Decoded.Known::id).distinct()).hasSize(1);
            await().atMost(LIMIT).until(() -> topics.deadLetters().size() == 1);
            assertThat(topics.deadLetters().get(0).key()).isEqualTo("ns/a");
            assertThat(new String(
                            topics.deadLetters()
                                    .get(0)
                                    .headers()
                                    .lastHeader(GiveUp.REASON)
                                    .value(),
                            StandardCharsets.UTF_8))
                    .contains("ConnectException");

            try (EmbeddedS3 back = EmbeddedS3.start(new ServerSettings(dir.resolve("s3"), s3.port(), "port"))) {
                assertThat(back.endpoint()).isEqualTo(s3.endpoint());
                topics.send("2", uploaded);

                await().atMost(LIMIT)
                        .until(() -> topics.said("ns/a").stream()
                                .anyMatch(known -> known.event() instanceof PrototypesComputed));
                assertThat(topics.deadLetters()).hasSize(1);
                assertThat(worker.health("readiness")).isEqualTo(200);
            }
        }
    }

    @Test
    void a_store_that_comes_back_in_time_is_all_that_is_needed(@TempDir Path dir) throws Exception {
        EmbeddedS3 s3 = EmbeddedS3.start(ServerSettings.onFreePort(dir.resolve("s3")));
        try (EmbeddedKafka kafka = EmbeddedKafka.start(ServerSettings.onFreePort(dir.resolve("kafka")));
                KafkaTopics topics = new KafkaTopics(kafka.bootstrapServers(), 1);
                RunningWorker worker = new RunningWorker(kafka, s3, "--quiver.worker.retry-for=60s")) {
            AdapterUploaded uploaded;
            try (ObjectStore store = RunningWorker.store(s3)) {
                uploaded = UploadedAdapter.saved("r1-qv").storedIn(store).uploadedAs("ns/b", 1);
            }
            s3.close();
            topics.send("1", uploaded);
            await().atMost(LIMIT).until(() -> topics.said("ns/b").size() > 1);

            try (EmbeddedS3 back = EmbeddedS3.start(new ServerSettings(dir.resolve("s3"), s3.port(), "port"))) {
                assertThat(back.port()).isEqualTo(s3.port());
                List<Decoded.Known> said = await().atMost(LIMIT)
                        .until(
                                () -> topics.said("ns/b"),
                                all -> !(all.get(all.size() - 1).event() instanceof PrototypesStarted));
                assertThat(said.get(said.size() - 1).event()).isInstanceOf(PrototypesComputed.class);
                assertThat(topics.deadLetters()).isEmpty();
            }

            kafka.close();
            await().atMost(LIMIT)
                    .untilAsserted(() -> assertThat(worker.health("readiness")).isEqualTo(503));
            assertThat(worker.health("liveness")).isEqualTo(200);
        }
    }
}
