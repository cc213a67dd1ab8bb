package io.quiver.worker.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event;
import io.quiver.schemas.Event.AdapterUploaded;
import io.quiver.schemas.Event.PrototypesComputed;
import io.quiver.schemas.Event.PrototypesFailed;
import io.quiver.schemas.Event.PrototypesStarted;
import io.quiver.schemas.Topics;
import io.quiver.schemas.kafka.Decoded;
import io.quiver.worker.PrototypeOutcome;
import io.quiver.worker.TinyBase;
import io.quiver.worker.UploadedAdapter;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One worker on a real broker and a real S3 server. */
class WorkerTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @TempDir
    static Path dir;

    private static WorkerStack stack;
    private static KafkaTopics topics;
    private static ObjectStore store;

    @BeforeAll
    static void start() throws Exception {
        stack = WorkerStack.start(dir);
        topics = stack.topics();
        store = stack.store();
    }

    @AfterAll
    static void stop() {
        stack.close();
    }

    @Test
    void an_upload_is_started_and_computed_and_the_file_lies_in_the_store() throws Exception {
        AdapterUploaded uploaded =
                UploadedAdapter.saved("r4-mlp-regex").storedIn(store).uploadedAs("ns/happy", 3);

        topics.send("41", uploaded);

        List<Decoded.Known> said = awaitSaid("ns/happy", 2);
        assertThat(said.get(0).event()).isInstanceOfSatisfying(PrototypesStarted.class, started -> {
            assertThat(started.version()).isEqualTo(3);
            assertThat(started.digest()).isEqualTo(uploaded.digest());
            assertThat(started.algorithm()).isEqualTo("arrow-v1");
            assertThat(started.worker()).isNotBlank();
        });
        PrototypesComputed computed = (PrototypesComputed) said.get(1).event();
        assertThat(computed.version()).isEqualTo(3);
        assertThat(computed.digest()).isEqualTo(uploaded.digest());
        assertThat(computed.moduleCount()).isEqualTo(6);
        byte[] file = bytes(computed.prototypes().key());
        assertThat(Digest.of(file)).isEqualTo(computed.prototypes().digest());
        assertThat(file).hasSize((int) computed.prototypes().sizeBytes());
    }

    @Test
    void the_same_upload_delivered_twice_gives_the_same_ids_and_the_same_bytes() throws Exception {
        AdapterUploaded uploaded =
                UploadedAdapter.saved("r8-bf16").storedIn(store).uploadedAs("ns/twice", 1);
        topics.send("42", uploaded);
        List<Decoded.Known> first = awaitSaid("ns/twice", 2);
        store.delete(new ObjectKey(
                ((PrototypesComputed) first.get(1).event()).prototypes().key()));

        topics.send("42", uploaded);

        List<Decoded.Known> both = awaitSaid("ns/twice", 4);
        assertThat(both.get(2).id()).isEqualTo(first.get(0).id());
        assertThat(both.get(3).id())
                .isEqualTo(first.get(1).id())
                .isNotEqualTo(first.get(0).id());
        assertThat(((PrototypesComputed) both.get(3).event()).prototypes())
                .isEqualTo(((PrototypesComputed) first.get(1).event()).prototypes());
    }

    @Test
    void asking_for_another_computation_gives_other_ids() throws Exception {
        AdapterUploaded uploaded =
                UploadedAdapter.saved("r8-bf16").storedIn(store).uploadedAs("ns/again", 1);
        topics.send("43", uploaded);
        topics.send("44", uploaded);

        assertThat(awaitSaid("ns/again", 4)).extracting(Decoded.Known::id).doesNotHaveDuplicates();
    }

    @Test
    void a_crash_after_the_file_was_written_is_made_good_by_the_next_delivery() throws Exception {
        AdapterUploaded uploaded =
                UploadedAdapter.saved("r1-qv").storedIn(store).uploadedAs("ns/crash", 1);
        // What a worker had done when it died before it could say so.
        var done = (PrototypeOutcome.Computed)
                TinyBase.computing(store, dir.resolve("dead")).compute(uploaded);

        topics.send("45", uploaded);

        PrototypesComputed said =
                (PrototypesComputed) awaitSaid("ns/crash", 2).get(1).event();
        assertThat(said.prototypes()).isEqualTo(done.file());
        assertThat(said.moduleCount()).isEqualTo(done.moduleCount());
    }

    @Test
    void an_adapter_that_was_never_trained_fails_and_is_no_dead_letter() throws Exception {
        AdapterUploaded uploaded =
                UploadedAdapter.saved("r1-qv").withZeroB("").storedIn(store).uploadedAs("ns/zero", 1);

        topics.send("46", uploaded);

        PrototypesFailed failed =
                (PrototypesFailed) awaitSaid("ns/zero", 2).get(1).event();
        assertThat(failed.code()).isEqualTo("zero_update");
        assertThat(failed.digest()).isEqualTo(uploaded.digest());
        assertThat(topics.deadLetters()).noneMatch(letter -> "ns/zero".equals(letter.key()));
    }

    @Test
    void records_that_cannot_be_read_become_dead_letters_and_do_not_hold_up_the_next_upload() throws Exception {
        byte[] garbage = "{not json".getBytes(StandardCharsets.UTF_8);
        topics.send(new ProducerRecord<>(Topics.ADAPTERS, "ns/poison", garbage));
        topics.send(withType("io.quiver.AdapterUploaded.v2", garbage));
        topics.send(withType("io.quiver.AdapterUploaded.v1", garbage));
        topics.send(new ProducerRecord<>(Topics.ADAPTERS, "ns/poison", null));
        topics.send("47", UploadedAdapter.saved("r1-qv").storedIn(store).uploadedAs("ns/after-poison", 1));

        awaitSaid("ns/after-poison", 2);

        await().atMost(LIMIT).until(() -> poison().size() == 4);
        assertThat(poison())
                .extracting(letter -> header(letter, GiveUp.REASON))
                .satisfiesExactly(
                        reason -> assertThat(reason).contains("not a readable CloudEvent"),
                        reason -> assertThat(reason).contains("unknown event type io.quiver.AdapterUploaded.v2"),
                        reason -> assertThat(reason).contains("not a AdapterUploaded"),
                        reason -> assertThat(reason).contains("UnreadableRecordException"));
        assertThat(poison().get(1).value()).isEqualTo(garbage);
        assertThat(header(poison().get(1), "ce_type")).isEqualTo("io.quiver.AdapterUploaded.v2");
        assertThat(header(poison().get(1), "kafka_dlt-original-topic")).isEqualTo(Topics.ADAPTERS);
    }

    @Test
    void events_that_are_for_others_are_passed_over() throws Exception {
        topics.send(
                "48",
                new Event.BaseModelRegistered(
                        new BaseModelRef("other", Digest.of(new byte[] {3})), List.of(), Instant.EPOCH));
        topics.send("49", UploadedAdapter.saved("r1-qv").storedIn(store).uploadedAs("ns/after-other", 1));

        awaitSaid("ns/after-other", 2);

        assertThat(topics.said("base/other")).isEmpty();
        assertThat(topics.deadLetters()).noneMatch(letter -> "base/other".equals(letter.key()));
    }

    @Test
    void a_worker_in_its_group_is_ready_and_alive() throws Exception {
        await().atMost(LIMIT)
                .untilAsserted(
                        () -> assertThat(stack.worker().health("readiness")).isEqualTo(200));
        assertThat(stack.worker().health("liveness")).isEqualTo(200);
        assertThat(stack.worker().partitionCount()).isEqualTo(1);
    }

    private static List<Decoded.Known> awaitSaid(String adapter, int count) {
        return await().atMost(LIMIT).until(() -> topics.said(adapter), said -> said.size() >= count);
    }

    private static List<ConsumerRecord<String, byte[]>> poison() {
        return topics.deadLetters().stream()
                .filter(letter -> "ns/poison".equals(letter.key()))
                .toList();
    }

    private static ProducerRecord<String, byte[]> withType(String type, byte[] data) {
        ProducerRecord<String, byte[]> record = new ProducerRecord<>(Topics.ADAPTERS, "ns/poison", data);
        for (String[] header : new String[][] {
            {"ce_specversion", "1.0"},
            {"ce_id", "1"},
            {"ce_source", "/test"},
            {"ce_type", type},
            {"content-type", "application/json"},
        }) {
            record.headers().add(new RecordHeader(header[0], header[1].getBytes(StandardCharsets.UTF_8)));
        }
        return record;
    }

    private static String header(ConsumerRecord<?, ?> record, String name) {
        return new String(record.headers().lastHeader(name).value(), StandardCharsets.UTF_8);
    }

    private static byte[] bytes(String key) throws IOException {
        try (InputStream in = store.get(new ObjectKey(key))) {
            return in.readAllBytes();
        }
    }
}
