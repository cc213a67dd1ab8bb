package io.quiver.worker.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.schemas.CalibrationEvent.AboutAttempt;
import io.quiver.schemas.CalibrationEvent.AdapterCalibrationRequested;
import io.quiver.schemas.CalibrationEvent.BaseModelCalibrationRequested;
import io.quiver.schemas.CalibrationEvent.CalibrationComputed;
import io.quiver.schemas.CalibrationEvent.CalibrationFailed;
import io.quiver.schemas.CalibrationEvent.CalibrationProgressed;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event.AdapterUploaded;
import io.quiver.schemas.Event.PrototypesComputed;
import io.quiver.schemas.Event.PrototypesFailed;
import io.quiver.schemas.Event.PrototypesStarted;
import io.quiver.schemas.EvidenceReport;
import io.quiver.schemas.kafka.Decoded;
import io.quiver.worker.TinyBase;
import io.quiver.worker.UploadedAdapter;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One worker that calibrates a real, tiny base model and measures adapters, on a real broker and a real S3 server. */
class CalibratingWorkerTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final TinyBase BASE = TinyBase.saved();
    private static final String KEY = "base/llama";

    @TempDir
    static Path dir;

    private static WorkerStack stack;
    private static KafkaTopics topics;
    private static ObjectStore store;

    @BeforeAll
    static void start() throws Exception {
        stack = WorkerStack.start(dir, "--quiver.worker.retry-for=1s", "--quiver.worker.base.precision=fp32");
        topics = stack.topics();
        store = stack.store();
        BASE.storedIn(store);
    }

    @AfterAll
    static void stop() {
        stack.close();
    }

    /** What the workers have said of one attempt, in order. */
    private static List<Decoded.Known> said(int attempt) {
        return topics.said(KEY).stream()
                .filter(known -> ((AboutAttempt) known.event()).attempt() == attempt)
                .toList();
    }

    /** Waits until so many ends of an attempt were told. */
    private static List<Decoded.Known> awaitEnds(int attempt, int count) {
        return await().atMost(LIMIT)
                .until(
                        () -> said(attempt).stream()
                                .filter(known -> !(known.event() instanceof CalibrationProgressed))
                                .toList(),
                        ends -> ends.size() >= count);
    }

    @Test
    void a_base_model_is_calibrated_with_its_progress_told_and_twice_gives_the_same_ids_and_the_same_file()
            throws Exception {
        topics.send("1", BASE.requested(11, 1));
        CalibrationComputed computed =
                (CalibrationComputed) awaitEnds(11, 1).get(0).event();
        assertThat(computed.base()).isEqualTo(BASE.ref());
        assertThat(computed.worker()).isNotBlank();
        CalibrationRef file = computed.calibration();
        assertThat(store.find(new ObjectKey(file.key())).orElseThrow().sizeBytes())
                .isEqualTo(file.sizeBytes());
        assertThat(said(11).stream()
                        .filter(known -> known.event() instanceof CalibrationProgressed)
                        .map(known -> ((CalibrationProgressed) known.event()).stage())
                        .distinct())
                .containsExactly("fetch", "sample", "read", "fit");

        // The worker had died after it stored the file: another one finds it and says the same.
        topics.send("1", BASE.requested(11, 1));
        List<Decoded.Known> ends = awaitEnds(11, 2);
        assertThat(ends.get(1).id()).isEqualTo(ends.get(0).id());
        assertThat(((CalibrationComputed) ends.get(1).event()).calibration()).isEqualTo(file);
        assertThat(store.list("calibrations/"))
                .filteredOn(info -> info.key().value().contains("/evidence-v1/1/"))
                .hasSize(1);
    }

    @Test
    void a_version_is_completed_with_its_evidence_and_an_upload_gets_it_at_once() throws Exception {
        CalibrationRef calibration = BASE.calibrated(store, dir.resolve("another"), 2);
        AdapterUploaded alone = UploadedAdapter.saved("r1-qv").storedIn(store).uploadedAs("ns/completed", 1);
        topics.send(
                "2",
                new AdapterCalibrationRequested(
                        alone.adapter(),
                        1,
                        alone.digest(),
                        BASE.ref(),
                        alone.files(),
                        calibration,
                        null,
                        null,
                        Instant.EPOCH));
        List<Decoded.Known> said =
                await().atMost(LIMIT).until(() -> topics.said("ns/completed"), all -> !all.isEmpty());
        PrototypesComputed completed = (PrototypesComputed) said.get(0).event();
        assertThat(completed.evidence()).isEqualTo(EvidenceReport.carried(calibration.digest(), 0));

        topics.send(
                "3",
                new AdapterUploaded(
                        alone.adapter(),
                        2,
                        alone.digest(),
                        BASE.ref(),
                        alone.files(),
                        alone.uploadedAt(),
                        calibration,
                        null,
                        null));
        said = await().atMost(LIMIT).until(() -> topics.said("ns/completed"), all -> all.size() == 3);
        assertThat(said.get(1).event()).isInstanceOf(PrototypesStarted.class);
        assertThat(((PrototypesComputed) said.get(2).event()).prototypes()).isEqualTo(completed.prototypes());
    }

    @Test
    void what_cannot_be_calibrated_fails_and_what_the_world_prevents_is_tried_again_and_given_up() throws Exception {
        BaseModelCalibrationRequested whole = BASE.requested(12, 3);
        topics.send(
                "4",
                new BaseModelCalibrationRequested(
                        whole.base(), whole.files().subList(1, 4), 12, 3, whole.requestedAt()));
        assertThat(((CalibrationFailed) awaitEnds(12, 1).get(0).event()).code()).isEqualTo("digest_mismatch");
        assertThat(topics.deadLetters()).isEmpty();

        AdapterUploaded missing = UploadedAdapter.saved("r8-bf16").uploadedAs("ns/missing", 1);
        CalibrationRef calibration = new CalibrationRef("evidence-v1", "calibrations/x", Digest.of(new byte[] {1}), 1);
        topics.send(
                "5",
                new AdapterCalibrationRequested(
                        missing.adapter(),
                        1,
                        missing.digest(),
                        BASE.ref(),
                        missing.files(),
                        calibration,
                        null,
                        null,
                        Instant.EPOCH));
        List<Decoded.Known> said = await().atMost(LIMIT).until(() -> topics.said("ns/missing"), all -> !all.isEmpty());
        PrototypesFailed failed = (PrototypesFailed) said.get(0).event();
        assertThat(failed.code()).isEqualTo("worker_gave_up");
        assertThat(failed.calibration()).isEqualTo(calibration.digest());
        await().atMost(LIMIT).until(() -> topics.deadLetters().size() == 1);
        assertThat(topics.deadLetters().get(0).key()).isEqualTo("ns/missing");
    }
}
