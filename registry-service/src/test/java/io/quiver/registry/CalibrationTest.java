package io.quiver.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.quiver.objectstore.ObjectKey;
import io.quiver.registry.RegistryHttp.Answer;
import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.CalibrationEvent.AboutAttempt;
import io.quiver.schemas.CalibrationEvent.BaseModelCalibrated;
import io.quiver.schemas.CalibrationEvent.BaseModelCalibrating;
import io.quiver.schemas.CalibrationEvent.BaseModelCalibrationRequested;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event.BaseModelCatalogued;
import io.quiver.schemas.RoutingPart;
import io.quiver.schemas.Topics;
import io.quiver.schemas.kafka.Decoded;
import java.io.ByteArrayInputStream;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.jdbc.core.simple.JdbcClient;

/** The calibration of a base model, attempt by attempt, with the worker's part said by the test. */
class CalibrationTest {
    private static final RunningRegistry REGISTRY = RunningRegistry.shared();
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private static void record(AboutAttempt event) {
        REGISTRY.bean(RecordCalibration.class).on(event);
    }

    @Test
    void a_registered_base_model_is_calibrated_and_everybody_hears_each_step() throws Exception {
        CalibratedBase base = CalibratedBase.register();
        assertThat(base.calibration().path("state").asString()).isEqualTo("REQUESTED");
        assertThat(base.calibration().path("attempt").asInt()).isEqualTo(1);

        WorkerVoice.say(WorkerVoice.progressed(base.ref(), 1, 96));
        await().atMost(PATIENCE)
                .untilAsserted(() ->
                        assertThat(base.calibration().path("state").asString()).isEqualTo("CALIBRATING"));
        assertThat(base.calibration().path("progress").path("done").asInt()).isEqualTo(96);
        CalibrationRef file = WorkerVoice.storeCalibration(base.ref(), 1);
        WorkerVoice.say(WorkerVoice.calibrated(base.ref(), 1, file));
        await().atMost(PATIENCE)
                .untilAsserted(() ->
                        assertThat(base.calibration().path("state").asString()).isEqualTo("CALIBRATED"));
        assertThat(base.calibration()
                        .path("calibrated")
                        .path("file")
                        .path("key")
                        .asString())
                .isEqualTo(file.key());
        assertThat(base.calibration().path("calibrated").path("elapsedMillis").asLong())
                .isEqualTo(41);

        try (TopicReader adapters = new TopicReader(Topics.ADAPTERS);
                TopicReader catalog = new TopicReader(Topics.CATALOG)) {
            String key = "base/" + base.name();
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(adapters.types(key))
                            .containsExactly(
                                    "BaseModelRegistered",
                                    "BaseModelCalibrationRequested",
                                    "BaseModelCalibrating",
                                    "BaseModelCalibrated"));
            List<Decoded.Known> said = adapters.events(key);
            BaseModelCalibrationRequested requested =
                    (BaseModelCalibrationRequested) said.get(1).event();
            assertThat(requested.files()).hasSize(3);
            assertThat(requested.attempt()).isEqualTo(1);
            assertThat(((BaseModelCalibrating) said.get(2).event()).total()).isEqualTo(320);
            assertThat(((BaseModelCalibrated) said.get(3).event()).calibration())
                    .isEqualTo(file);
            await().atMost(PATIENCE).untilAsserted(() -> {
                List<Decoded.Known> entries = catalog.events(key);
                assertThat(entries)
                        .extracting(entry -> ((BaseModelCatalogued) entry.event()).calibration())
                        .containsExactly(null, file);
            });
        }
    }

    @Test
    void news_that_come_twice_or_late_change_nothing() {
        CalibratedBase base = CalibratedBase.register();
        record(WorkerVoice.progressed(base.ref(), 1, 10));
        record(WorkerVoice.progressed(base.ref(), 1, 10));
        CalibrationRef file = base.calibrate(1, 1);
        record(WorkerVoice.calibrated(base.ref(), 1, file));
        record(WorkerVoice.progressed(base.ref(), 1, 20));
        record(WorkerVoice.calibrationFailed(base.ref(), 1));
        assertThat(base.types())
                .containsExactly(
                        "BaseModelRegistered",
                        "BaseModelCalibrationRequested",
                        "BaseModelCalibrating",
                        "BaseModelCalibrated");
        assertThat(base.calibration().path("state").asString()).isEqualTo("CALIBRATED");
    }

    @Test
    void an_attempt_that_failed_says_why_and_success_outlasts_it() {
        CalibratedBase base = CalibratedBase.register();
        record(WorkerVoice.calibrationFailed(base.ref(), 1));
        record(WorkerVoice.calibrationFailed(base.ref(), 1));
        assertThat(base.calibration().path("state").asString()).isEqualTo("FAILED");
        assertThat(base.calibration().path("failure").path("code").asString()).isEqualTo("worker_gave_up");
        base.calibrate(1, 1);
        assertThat(base.calibration().has("failure")).isFalse();
        assertThat(base.types())
                .containsExactly(
                        "BaseModelRegistered",
                        "BaseModelCalibrationRequested",
                        "BaseModelCalibrationFailed",
                        "BaseModelCalibrated");
    }

    @Test
    void what_serves_goes_on_serving_while_the_next_attempt_is_made_and_when_it_fails() {
        CalibratedBase base = CalibratedBase.register();
        CalibrationRef first = base.calibrate(1, 1);
        Answer asked = base.recalibrate("{\"seed\": 2}");
        assertThat(asked.status()).isEqualTo(202);
        assertThat(asked.header("Location")).hasValue(base.route());
        assertThat(asked.body().path("calibration").path("state").asString()).isEqualTo("REQUESTED");
        assertThat(asked.body().path("calibration").path("attempt").asInt()).isEqualTo(2);
        assertThat(asked.body().path("calibration").path("seed").asLong()).isEqualTo(2);
        assertThat(serving(base)).isEqualTo(first.digest().toString());
        record(WorkerVoice.calibrationFailed(base.ref(), 2));
        assertThat(serving(base)).isEqualTo(first.digest().toString());

        assertThat(base.recalibrate("").status()).isEqualTo(202);
        // News of an attempt that is not the newest.
        record(WorkerVoice.calibrated(base.ref(), 2, WorkerVoice.storeCalibration(base.ref(), 2)));
        record(WorkerVoice.progressed(base.ref(), 1, 1));
        assertThat(base.calibration().path("state").asString()).isEqualTo("REQUESTED");
        assertThat(base.calibrate(3, 1)).isEqualTo(first);
        assertThat(base.calibration().path("calibrated").path("attempt").asInt())
                .isEqualTo(3);
    }

    private static String serving(CalibratedBase base) {
        return base.calibration().path("calibrated").path("file").path("digest").asString();
    }

    @Test
    void a_base_model_from_before_there_were_calibrations_is_calibrated_once_a_registry_starts() {
        CalibratedBase old = CalibratedBase.register();
        CalibratedBase calibrated = CalibratedBase.register();
        CalibrationRef file = calibrated.calibrate(1, 1);
        // As the migration leaves a row that was there before it.
        REGISTRY.bean(JdbcClient.class)
                .sql(
                        "update base_model set calibration_state = 'NONE', calibration_attempt = 0, calibration_seed = null"
                                + " where name = :name")
                .param("name", old.name())
                .update();
        assertThat(old.calibration().path("state").asString()).isEqualTo("NONE");

        RunningRegistry.start().close();

        // Whoever starts afterwards finds nothing to ask for.
        assertThat(REGISTRY.bean(RequestCalibration.class).requestFirst()).isEmpty();
        assertThat(old.calibration().path("state").asString()).isEqualTo("REQUESTED");
        assertThat(old.calibration().path("attempt").asInt()).isEqualTo(1);
        // Of the registration that the row has forgotten, and of the start.
        assertThat(old.types())
                .containsExactly(
                        "BaseModelRegistered", "BaseModelCalibrationRequested", "BaseModelCalibrationRequested");
        assertThat(serving(calibrated)).isEqualTo(file.digest().toString());
        assertThat(calibrated.calibration().path("attempt").asInt()).isEqualTo(1);
    }

    @Test
    void an_attempt_that_is_under_way_is_superseded_only_on_purpose() {
        CalibratedBase base = CalibratedBase.register();
        Answer refused = base.recalibrate("{}");
        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.code()).isEqualTo("calibration_under_way");
        assertThat(base.recalibrate("{\"supersede\": true}").status()).isEqualTo(202);
        assertThat(base.calibration().path("attempt").asInt()).isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"seed\": -1} | request_invalid",
                "{\"seed\": 1.5} | request_invalid",
                "{\"seed\": \"x\"} | request_invalid",
                "{\"speed\": 1} | request_invalid",
                "[] | request_invalid"
            })
    void a_wish_that_is_none_is_refused(String wish, String code) {
        CalibratedBase base = CalibratedBase.register();
        Answer answer = base.recalibrate(wish);
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.code()).isEqualTo(code);
        assertThat(base.calibration().path("attempt").asInt()).isEqualTo(1);
    }

    @Test
    void a_base_model_that_nobody_registered_is_not_calibrated() {
        Answer answer = REGISTRY.http().send("POST", "/v1/base-models/nobody/calibrations", "");
        assertThat(answer.status()).isEqualTo(404);
        assertThat(answer.code()).isEqualTo("base_model_not_found");
        BaseModelRef nobody = new BaseModelRef("nobody", Digest.of(new byte[0]));
        assertThatThrownBy(() -> record(WorkerVoice.progressed(nobody, 1, 1))).isInstanceOf(RegistryException.class);
        CalibratedBase base = CalibratedBase.register();
        BaseModelRef other = new BaseModelRef(base.name(), Digest.of(new byte[0]));
        assertThatThrownBy(() -> record(WorkerVoice.progressed(other, 1, 1))).isInstanceOf(RegistryException.class);
    }

    @Test
    void a_base_model_is_never_calibrated_without_the_very_file_that_was_announced() {
        CalibratedBase missing = CalibratedBase.register();
        CalibrationRef gone = WorkerVoice.storeCalibration(missing.ref(), 1);
        RunningRegistry.store().delete(new ObjectKey(gone.key()));
        CalibratedBase changed = CalibratedBase.register();
        CalibrationRef overwritten = WorkerVoice.storeCalibration(changed.ref(), 1);
        byte[] longer = new byte[(int) overwritten.sizeBytes() + 1];
        RunningRegistry.store().put(new ObjectKey(overwritten.key()), new ByteArrayInputStream(longer), longer.length);
        CalibratedBase elsewhere = CalibratedBase.register();
        CalibrationRef ofAnother = new CalibrationRef(
                gone.algorithm(), "calibrations/elsewhere.safetensors", gone.digest(), gone.sizeBytes());
        CalibratedBase large = CalibratedBase.register();
        CalibrationRef whole = WorkerVoice.storeCalibration(large.ref(), 1);
        CalibrationRef tooLarge =
                new CalibrationRef(whole.algorithm(), whole.key(), whole.digest(), 8L * (1 << 30) + 1);
        CalibratedBase cut = CalibratedBase.register();
        CalibrationRef good = WorkerVoice.storeCalibration(cut.ref(), 1);
        CalibrationRef otherPart = new CalibrationRef(
                good.algorithm(),
                good.key(),
                good.digest(),
                good.sizeBytes(),
                new RoutingPart(
                        good.routingPart().sizeBytes() + 1, good.routingPart().digest()));
        Map.of(
                        cut, Map.entry(otherPart, "calibration_digest_mismatch"),
                        missing, Map.entry(gone, "calibration_missing"),
                        changed, Map.entry(overwritten, "calibration_digest_mismatch"),
                        elsewhere, Map.entry(ofAnother, "calibration_invalid"),
                        large, Map.entry(tooLarge, "calibration_invalid"))
                .forEach((base, announced) -> {
                    record(WorkerVoice.calibrated(base.ref(), 1, announced.getKey()));
                    assertThat(base.calibration().path("state").asString()).isEqualTo("FAILED");
                    assertThat(base.calibration().path("failure").path("code").asString())
                            .isEqualTo(announced.getValue());
                    assertThat(base.calibration().has("calibrated")).isFalse();
                });
    }
}
