package io.quiver.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.quiver.embedded.EmbeddedPostgres;
import io.quiver.embedded.EmbeddedStack;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.registry.CalibratedBase.Version;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.EvidenceReport;
import io.quiver.schemas.PrototypeFileRef;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.springframework.transaction.support.TransactionOperations;

/**
 * Which files of calibrations and evidence stay in the store, and when the others go. Base models and adapters are of contents that no
 * other test uploads: what other versions of a content need stays.
 */
class SweepMeasuredFilesTest {
    private static final RunningRegistry REGISTRY = RunningRegistry.shared();
    private static final ObjectStore STORE = RunningRegistry.store();
    private static final Duration HOUR = Duration.ofHours(1);

    private final HandSetClock clock = new HandSetClock();
    private final SweepMeasuredFiles sweep = sweep(REGISTRY, clock);

    /** Stands still unless it is moved. */
    static final class HandSetClock extends Clock {
        private Instant now = Instant.now().plusSeconds(10);

        void pass(Duration time) {
            now = now.plus(time);
        }

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            throw new UnsupportedOperationException();
        }
    }

    static SweepMeasuredFiles sweep(RunningRegistry registry, Clock clock) {
        return new SweepMeasuredFiles(
                registry.bean(ObjectStore.class),
                registry.bean(FileReferences.class),
                registry.bean(Outbox.class),
                registry.bean(TransactionOperations.class),
                clock,
                HOUR);
    }

    /** What is not needed is noticed, and the time for which it is kept passes. */
    private void sweepUntilKeptNoLonger() {
        awaitTold();
        clock.pass(HOUR.plusMinutes(1));
        sweep.sweep();
        clock.pass(HOUR);
        awaitTold();
        sweep.sweep();
    }

    private static void awaitTold() {
        Outbox outbox = REGISTRY.bean(Outbox.class);
        await().until(() -> outbox.unpublished(1).isEmpty());
    }

    private static boolean isThere(String key) {
        return STORE.find(new ObjectKey(key)).isPresent();
    }

    private static String stored(String key) {
        STORE.put(new ObjectKey(key), new ByteArrayInputStream(new byte[] {1}), 1);
        return key;
    }

    private static String hex(String content) {
        return Digest.of(content.getBytes(StandardCharsets.UTF_8)).hex();
    }

    /** A worker has measured a version against a calibration, and the registry has taken it down. */
    private static String measured(Version version, CalibrationRef calibration) {
        PrototypeFileRef file = WorkerVoice.storeWithEvidence(version, calibration);
        REGISTRY.bean(RecordOutcome.class)
                .on(WorkerVoice.measured(version, file, EvidenceReport.carried(calibration.digest(), 0)));
        return file.key();
    }

    @Test
    void what_served_before_the_last_two_calibrations_goes_and_what_the_catalogue_names_stays() {
        CalibratedBase base = CalibratedBase.register(4711);
        Version version = base.ready(4711);
        String alone = version.body().path("prototypes").path("key").asString();
        CalibrationRef first = base.calibrate(1, 1);
        String againstFirst = measured(version, first);
        base.recalibrate("{\"seed\":2}");
        CalibrationRef second = base.calibrate(2, 2);
        String againstSecond = measured(version, second);

        sweepUntilKeptNoLonger();
        assertThat(isThere(alone)).isFalse();
        assertThat(List.of(first.key(), second.key(), againstFirst, againstSecond))
                .allMatch(SweepMeasuredFilesTest::isThere);

        base.recalibrate("{\"seed\":3}");
        CalibrationRef third = base.calibrate(3, 3);
        sweepUntilKeptNoLonger();
        assertThat(List.of(first.key(), againstFirst)).allMatch(SweepMeasuredFilesTest::isThere);

        String againstThird = measured(version, third);
        sweepUntilKeptNoLonger();
        assertThat(List.of(first.key(), againstFirst)).noneMatch(SweepMeasuredFilesTest::isThere);
        assertThat(List.of(second.key(), third.key(), againstSecond, againstThird))
                .allMatch(SweepMeasuredFilesTest::isThere);
    }

    @Test
    void while_a_worker_may_announce_a_file_it_stays() {
        CalibratedBase calibrating = CalibratedBase.register(4712);
        CalibrationRef notYetAnnounced = WorkerVoice.storeCalibration(calibrating.ref(), 1);
        Version uploaded = calibrating.upload(4712);
        String notYetRecorded =
                ObjectKey.prototypes(uploaded.digest().hex(), "arrow-v1").value();
        stored(notYetRecorded);
        CalibratedBase calibrated = CalibratedBase.register(4713);
        Version asked = calibrated.ready(4713);
        CalibrationRef calibration = calibrated.calibrate(1, 1);
        String wanted = WorkerVoice.storeWithEvidence(asked, calibration).key();

        sweepUntilKeptNoLonger();

        assertThat(List.of(notYetAnnounced.key(), notYetRecorded, wanted)).allMatch(SweepMeasuredFilesTest::isThere);
    }

    @Test
    void a_calibration_that_was_asked_for_again_in_time_is_found_and_stays() {
        CalibratedBase base = CalibratedBase.register(4714);
        CalibrationRef first = base.calibrate(1, 1);
        base.recalibrate("{\"seed\":2}");
        base.calibrate(2, 2);
        awaitTold();
        clock.pass(HOUR.plusMinutes(1));
        sweep.sweep();
        base.recalibrate("{\"seed\":1}");
        clock.pass(HOUR);
        sweep.sweep();
        assertThat(isThere(first.key())).isTrue();

        assertThat(base.calibrate(3, 1)).isEqualTo(first);
        sweepUntilKeptNoLonger();
        assertThat(isThere(first.key())).isTrue();
    }

    @Test
    void a_file_goes_when_it_was_needless_for_the_whole_time_and_not_before() {
        String stray = stored("prototypes/" + hex("stray") + "/arrow-v1/" + hex("a") + "-" + hex("b") + ".safetensors");
        String calibration = stored("calibrations/" + hex("no base") + "/evidence-v1/1/" + hex("c") + ".safetensors");
        awaitTold();

        // Just written: a worker may be about to say so.
        sweep.sweep();
        clock.pass(Duration.ofMinutes(59));
        sweep.sweep();
        assertThat(isThere(stray)).isTrue();
        // Old enough to be looked at.
        clock.pass(Duration.ofMinutes(2));
        sweep.sweep();
        clock.pass(Duration.ofMinutes(59));
        sweep.sweep();
        assertThat(List.of(stray, calibration)).allMatch(SweepMeasuredFilesTest::isThere);
        clock.pass(Duration.ofMinutes(1));
        assertThat(sweep.sweep()).isGreaterThanOrEqualTo(2);
        assertThat(List.of(stray, calibration)).noneMatch(SweepMeasuredFilesTest::isThere);
    }

    @Test
    void what_no_worker_makes_is_left_alone() {
        List<String> others = List.of(
                stored("calibrations/readme"),
                stored("prototypes/" + hex("x") + "/notes.txt"),
                stored("calibrations/" + hex("x") + "/evidence-v1/one/" + hex("y") + ".safetensors"),
                stored(ObjectKey.blob(hex("z")).value()));
        sweepUntilKeptNoLonger();
        assertThat(others).allMatch(SweepMeasuredFilesTest::isThere);
        others.forEach(key -> STORE.delete(new ObjectKey(key)));
    }

    @Test
    void nothing_is_deleted_while_others_write_and_it_is_at_the_next_sweep() throws Exception {
        CalibratedBase base = CalibratedBase.register(4715);
        String stray = stored("prototypes/" + hex("busy") + "/arrow-v1.safetensors");
        awaitTold();
        clock.pass(HOUR.plusMinutes(1));
        sweep.sweep();
        clock.pass(HOUR);
        EmbeddedPostgres postgres = EmbeddedStack.shared().postgres();
        try (Connection writer = DriverManager.getConnection(postgres.jdbcUrl(), postgres.user(), postgres.password());
                Statement statement = writer.createStatement()) {
            writer.setAutoCommit(false);
            statement.execute("update base_model set name = name where name = '" + base.name() + "'");
            sweep.sweep();
            assertThat(isThere(stray)).isTrue();
            writer.rollback();
        }
        sweep.sweep();
        assertThat(isThere(stray)).isFalse();
    }
}
