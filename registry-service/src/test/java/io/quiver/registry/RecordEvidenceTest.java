package io.quiver.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.registry.CalibratedBase.Version;
import io.quiver.schemas.CalibrationEvent.AdapterCalibrated;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Event;
import io.quiver.schemas.Event.CataloguedVersion;
import io.quiver.schemas.EvidenceRef;
import io.quiver.schemas.EvidenceReport;
import io.quiver.schemas.PrototypeFileRef;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of a version when workers tell of its evidence. */
class RecordEvidenceTest {
    private static final RunningRegistry REGISTRY = RunningRegistry.shared();

    private static void record(Event event) {
        REGISTRY.bean(RecordOutcome.class).on(event);
    }

    private static Event measured(Version version, CalibrationRef calibration) {
        return WorkerVoice.measured(
                version,
                WorkerVoice.storeWithEvidence(version, calibration),
                EvidenceReport.carried(calibration.digest(), 0));
    }

    private static List<String> types(Version version) {
        return CalibratedBase.events(version).stream()
                .map(event -> event.getClass().getSimpleName())
                .toList();
    }

    /** The one version of the adapter's entry in the catalogue. */
    private static CataloguedVersion catalogued(Version version) {
        return REGISTRY.bean(Adapters.class)
                .snapshot(version.adapter())
                .versions()
                .get(0);
    }

    @Test
    void a_version_that_was_ready_before_is_completed_and_the_catalogue_says_with_what() {
        CalibratedBase base = CalibratedBase.register();
        Version version = base.ready(1);
        PrototypeFileRef alone = catalogued(version).prototypes();
        assertThat(catalogued(version).evidence()).isEmpty();
        CalibrationRef calibration = base.calibrate(1, 1);
        assertThat(catalogued(version).prototypes()).isEqualTo(alone);

        Event measured = measured(version, calibration);
        record(measured);
        record(measured);

        assertThat(types(version))
                .containsExactly("AdapterUploaded", "AdapterReady", "AdapterCalibrationRequested", "AdapterCalibrated");
        EvidenceRef evidence =
                ((AdapterCalibrated) CalibratedBase.events(version).get(3)).evidence();
        assertThat(evidence.calibration()).isEqualTo(calibration);
        assertThat(catalogued(version).evidence()).containsExactly(evidence);
        assertThat(catalogued(version).prototypes()).isEqualTo(evidence.prototypes());
        assertThat(version.body()
                        .path("evidence")
                        .path(0)
                        .path("calibration")
                        .path("digest")
                        .asString())
                .isEqualTo(calibration.digest().toString());
        assertThat(version.body().path("state").asString()).isEqualTo("READY");
    }

    @Test
    void an_upload_to_a_calibrated_base_becomes_ready_with_its_evidence_at_once() {
        CalibratedBase base = CalibratedBase.register();
        CalibrationRef calibration = base.calibrate(1, 1);
        Version version = base.upload(1);
        record(measured(version, calibration));
        assertThat(types(version)).containsExactly("AdapterUploaded", "AdapterReady", "AdapterCalibrated");
        assertThat(catalogued(version).evidence()).hasSize(1);
        assertThat(REGISTRY.bean(RequestEvidence.class).request()).isZero();
    }

    @Test
    void recalibrating_leaves_the_old_evidence_serving_until_the_new_is_there() {
        CalibratedBase base = CalibratedBase.register();
        Version version = base.ready(1);
        CalibrationRef first = base.calibrate(1, 1);
        record(measured(version, first));
        EvidenceRef old = catalogued(version).evidence().get(0);

        base.recalibrate("{\"seed\": 2}");
        CalibrationRef second = base.calibrate(2, 2);
        assertThat(catalogued(version).evidence()).containsExactly(old);
        // Late news of the first change nothing: the second was asked for.
        record(measured(version, first));
        assertThat(catalogued(version).evidence()).containsExactly(old);
        record(measured(version, second));
        assertThat(catalogued(version).evidence())
                .extracting(EvidenceRef::calibration)
                .containsExactly(second, first);

        base.recalibrate("{\"seed\": 3}");
        CalibrationRef third = base.calibrate(3, 3);
        record(measured(version, third));
        assertThat(catalogued(version).evidence())
                .extracting(EvidenceRef::calibration)
                .containsExactly(third, second);
        assertThat(catalogued(version).prototypes())
                .isEqualTo(catalogued(version).evidence().get(0).prototypes());
    }

    @Test
    void evidence_that_is_not_in_the_file_is_a_failure_and_the_version_keeps_what_it_has() {
        CalibratedBase base = CalibratedBase.register();
        Version version = base.ready(1);
        CalibrationRef calibration = base.calibrate(1, 1);
        PrototypeFileRef alone =
                WorkerVoice.store(version.digest(), WorkerVoice.prototypes(version.draft(), version.digest()));
        record(WorkerVoice.measured(version, alone, EvidenceReport.carried(calibration.digest(), 0)));
        assertThat(version.body().path("state").asString()).isEqualTo("READY");
        assertThat(version.body().path("evidenceFailure").path("code").asString())
                .isEqualTo("prototype_file_invalid");
        assertThat(catalogued(version).prototypes()).isEqualTo(alone);
    }

    @Test
    void an_upload_whose_evidence_failed_becomes_ready_with_its_prototypes() {
        CalibratedBase base = CalibratedBase.register();
        CalibrationRef calibration = base.calibrate(1, 1);
        Version version = base.upload(1);
        PrototypeFileRef alone =
                WorkerVoice.store(version.digest(), WorkerVoice.prototypes(version.draft(), version.digest()));
        record(WorkerVoice.measured(
                version, alone, EvidenceReport.failed(calibration.digest(), "not_measurable", "it changes nothing")));
        assertThat(types(version)).containsExactly("AdapterUploaded", "AdapterReady", "AdapterCalibrationFailed");
        assertThat(version.body().path("evidenceFailure").path("code").asString())
                .isEqualTo("not_measurable");
        assertThat(catalogued(version).evidence()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void news_of_two_calibrations_in_any_order_and_number_leave_the_newest_in_front(long seed) {
        Random random = new Random(seed);
        CalibratedBase base = CalibratedBase.register();
        Version version = base.ready(seed);
        CalibrationRef first = base.calibrate(1, 1);
        Event late = measured(version, first);
        if (random.nextBoolean()) {
            record(late);
        }
        base.recalibrate("{\"seed\": 2}");
        CalibrationRef second = base.calibrate(2, 2);
        List<Event> news = new ArrayList<>(List.of(late, late, measured(version, second), measured(version, second)));
        news.add(WorkerVoice.evidenceFailed(version.adapter(), version.digest(), first));
        Collections.shuffle(news, random);
        for (int i = 0; i < news.size(); i += 2) {
            Event other = news.get(Math.min(i + 1, news.size() - 1));
            CompletableFuture<Void> atOnce = CompletableFuture.runAsync(() -> record(other));
            record(news.get(i));
            atOnce.join();
        }
        assertThat(catalogued(version).evidence().get(0).calibration()).isEqualTo(second);
        assertThat(version.body().has("evidenceFailure")).isFalse();
        // Told once for each calibration at most.
        assertThat(CalibratedBase.events(version).stream()
                        .filter(AdapterCalibrated.class::isInstance)
                        .map(event -> ((AdapterCalibrated) event).evidence()))
                .doesNotHaveDuplicates();
    }
}
