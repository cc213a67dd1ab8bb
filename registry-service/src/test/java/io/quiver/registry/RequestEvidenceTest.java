package io.quiver.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.objectstore.ObjectKey;
import io.quiver.registry.CalibratedBase.Version;
import io.quiver.registry.RegistryHttp.Answer;
import io.quiver.schemas.CalibrationEvent.AdapterCalibrationRequested;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event;
import io.quiver.schemas.Event.AdapterUploaded;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which versions the workers are asked to measure, and when: each once, whoever notices that it lacks its evidence. */
class RequestEvidenceTest {
    private static final RunningRegistry REGISTRY = RunningRegistry.shared();
    private static final RegistryHttp HTTP = REGISTRY.http();
    private static final String[] FOUR = {"one", "two", "three", "four"};

    private static int request() {
        return REGISTRY.bean(RequestEvidence.class).request();
    }

    @Test
    void versions_that_were_ready_before_are_asked_for_in_bulk_when_their_base_is_calibrated() {
        CalibratedBase base = CalibratedBase.register();
        List<Version> ready = IntStream.range(0, 5).mapToObj(base::ready).toList();
        Version uploaded = base.upload(7);
        assertThat(ready)
                .allSatisfy(version -> assertThat(CalibratedBase.asked(version)).isEmpty());

        CalibrationRef calibration = base.calibrate(1, 1);

        assertThat(ready).allSatisfy(version -> {
            List<AdapterCalibrationRequested> asked = CalibratedBase.asked(version);
            assertThat(asked).hasSize(1);
            assertThat(asked.get(0).calibration()).isEqualTo(calibration);
            assertThat(asked.get(0).files()).hasSize(2);
            assertThat(asked.get(0).base()).isEqualTo(base.ref());
            assertThat(asked.get(0).examples()).isNull();
            assertThat(asked.get(0).baseFiles()).isNull();
        });
        // One that is not ready is asked for when it is.
        assertThat(CalibratedBase.asked(uploaded)).isEmpty();
        CalibratedBase.becomeReady(uploaded);
        assertThat(CalibratedBase.asked(uploaded)).hasSize(1);
    }

    @Test
    void however_many_look_at_once_each_version_is_asked_for_once_for_each_calibration() {
        CalibratedBase base = CalibratedBase.register();
        List<Version> ready = IntStream.range(0, 4).mapToObj(base::ready).toList();
        base.calibrate(1, 1);
        CompletableFuture.allOf(IntStream.range(0, 4)
                        .mapToObj(i -> CompletableFuture.runAsync(RequestEvidenceTest::request))
                        .toArray(CompletableFuture<?>[]::new))
                .join();
        assertThat(ready)
                .allSatisfy(version -> assertThat(CalibratedBase.asked(version)).hasSize(1));
        base.recalibrate("");
        base.calibrate(2, 1);
        assertThat(ready)
                .allSatisfy(version -> assertThat(CalibratedBase.asked(version)).hasSize(1));
        base.recalibrate("{\"seed\": 2}");
        CalibrationRef second = base.calibrate(3, 2);
        assertThat(ready)
                .allSatisfy(version -> assertThat(CalibratedBase.asked(version))
                        .hasSize(2)
                        .last()
                        .extracting(AdapterCalibrationRequested::calibration)
                        .isEqualTo(second));
    }

    @Test
    void an_upload_to_a_calibrated_base_asks_for_its_evidence_at_once() {
        CalibratedBase base = CalibratedBase.register();
        CalibrationRef calibration = base.calibrate(1, 1);
        Version version = base.upload(1, FOUR);
        AdapterUploaded uploaded =
                (AdapterUploaded) CalibratedBase.events(version).get(0);
        assertThat(uploaded.calibration()).isEqualTo(calibration);
        byte[] examples = CalibratedBase.examples(FOUR).getBytes(StandardCharsets.UTF_8);
        assertThat(uploaded.examples().digest()).isEqualTo(Digest.of(examples));
        assertThat(version.body().path("examples").path("sizeBytes").asInt()).isEqualTo(examples.length);
        assertThat(RunningRegistry.store()
                        .find(ObjectKey.blob(Digest.of(examples).hex())))
                .isPresent();
        // Its examples are no part of what it is.
        assertThat(version.digest()).isEqualTo(base.upload(1).digest());
        assertThat(uploaded.files()).hasSize(2);
        assertThat(request()).isZero();
        assertThat(CalibratedBase.asked(version)).isEmpty();
    }

    @Test
    void other_examples_for_a_version_that_is_ready_are_asked_for_and_the_same_are_not() {
        CalibratedBase base = CalibratedBase.register();
        Version version = base.ready(1);
        base.calibrate(1, 1);
        assertThat(CalibratedBase.asked(version)).hasSize(1);

        Answer again = HTTP.upload(
                "/v1/adapters/" + version.adapter() + "/versions",
                version.draft().form(base.name()).part("examples.jsonl", CalibratedBase.examples(FOUR)));
        assertThat(again.status()).isEqualTo(200);
        assertThat(again.body().path("examples").path("name").asString()).isEqualTo("examples.jsonl");
        assertThat(CalibratedBase.asked(version)).hasSize(2);
        assertThat(CalibratedBase.asked(version).get(1).examples()).isNotNull();
        assertThat(CalibratedBase.asked(version).get(1).baseFiles()).hasSize(3);

        HTTP.upload(
                "/v1/adapters/" + version.adapter() + "/versions",
                version.draft().form(base.name()).part("examples.jsonl", CalibratedBase.examples(FOUR)));
        HTTP.upload(
                "/v1/adapters/" + version.adapter() + "/versions",
                version.draft().form(base.name()));
        assertThat(CalibratedBase.asked(version)).hasSize(2);
    }

    @Test
    void evidence_that_failed_is_told_and_asked_for_again_only_on_purpose_or_with_the_next_attempt() {
        CalibratedBase base = CalibratedBase.register();
        Version version = base.ready(1);
        CalibrationRef calibration = base.calibrate(1, 1);
        Event failed = WorkerVoice.evidenceFailed(version.adapter(), version.digest(), calibration);
        REGISTRY.bean(RecordOutcome.class).on(failed);
        REGISTRY.bean(RecordOutcome.class).on(failed);

        assertThat(version.body().path("state").asString()).isEqualTo("READY");
        assertThat(version.body().path("evidenceFailure").path("code").asString())
                .isEqualTo("worker_gave_up");
        assertThat(CalibratedBase.events(version))
                .extracting(event -> event.getClass().getSimpleName())
                .containsExactly(
                        "AdapterUploaded", "AdapterReady", "AdapterCalibrationRequested", "AdapterCalibrationFailed");
        assertThat(request()).isZero();

        assertThat(HTTP.send("POST", version.route() + ":recompute", "").status())
                .isEqualTo(202);
        assertThat(version.body().has("evidenceFailure")).isFalse();
        assertThat(CalibratedBase.asked(version)).hasSize(2);
        assertThat(HTTP.send("POST", version.route() + ":recompute", "").code()).isEqualTo("version_is_ready");

        REGISTRY.bean(RecordOutcome.class).on(failed);
        base.recalibrate("");
        base.calibrate(2, 1);
        assertThat(CalibratedBase.asked(version)).hasSize(3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"prompt\": \"only one\"}", "not json\n", "{\"prompt\": \"a\", \"answer\": \"b\"}"})
    void examples_that_are_none_are_told_among_the_other_violations(String examples) {
        CalibratedBase base = CalibratedBase.register();
        String route = "/v1/adapters/calibrated/" + RunningRegistry.unique("adapter") + "/versions";
        RegistryHttp.Form form = TinyModels.adapter(1)
                .without(TinyModels.Draft.b(0))
                .form(base.name())
                .part("examples.jsonl", examples);
        for (String path : new String[] {route, route + ":validate"}) {
            Answer answer = HTTP.upload(path, form);
            assertThat(answer.status()).isEqualTo(422);
            assertThat(answer.violations()).contains("examples_invalid", "missing_lora_b");
        }
    }
}
