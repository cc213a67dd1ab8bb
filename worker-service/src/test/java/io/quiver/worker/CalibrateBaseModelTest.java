package io.quiver.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.quiver.decoder.evidence.CalibrationProgress;
import io.quiver.lora.evidence.BaseCalibration;
import io.quiver.lora.evidence.CalibrationFile;
import io.quiver.lora.evidence.ProbePoints;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectNotFoundException;
import io.quiver.objectstore.ObjectStore;
import io.quiver.schemas.CalibrationEvent.BaseModelCalibrationRequested;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.RoutingPart;
import io.quiver.schemas.StoredFile;
import io.quiver.worker.CalibrationOutcome.Computed;
import io.quiver.worker.CalibrationOutcome.Failed;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

class CalibrateBaseModelTest {
    private static final Clock STANDING = Clock.fixed(Instant.parse("2026-11-22T10:00:00Z"), ZoneOffset.UTC);
    private static final CalibrationProgress UNHEARD = (phase, done, total) -> {};
    private static final long ENOUGH_BYTES = 1 << 20;

    @RegisterExtension
    static final WorkerStore WORKER = new WorkerStore();

    private static ObjectStore store;
    private static Path workDir;

    @TempDir
    Path dir;

    private final TinyBase base = TinyBase.saved();
    private final HeldBase held = TinyBase.held(store, workDir, ENOUGH_BYTES);

    @BeforeAll
    static void start() {
        store = WORKER.store();
        workDir = WORKER.workDir();
    }

    @AfterEach
    void give_the_base_back_and_empty_the_store() {
        held.close();
        store.list("").forEach(info -> store.delete(info.key()));
    }

    private CalibrationOutcome calibrate(BaseModelCalibrationRequested request) {
        return calibrate(held, request);
    }

    private static CalibrationOutcome calibrate(HeldBase held, BaseModelCalibrationRequested request) {
        return new CalibrateBaseModel(store, workDir, held, TinyBase::few, STANDING).calibrate(request, UNHEARD);
    }

    @Test
    void a_calibration_lies_in_the_store_under_its_digest_and_every_stage_is_told() throws IOException {
        base.storedIn(store);
        Set<CalibrationProgress.Phase> phases = new LinkedHashSet<>();
        Computed computed = (Computed) new CalibrateBaseModel(store, workDir, held, TinyBase::few, STANDING)
                .calibrate(base.requested(1, 7), (phase, done, total) -> phases.add(phase));

        CalibrationRef file = computed.file();
        assertThat(file.key())
                .isEqualTo("calibrations/" + base.ref().digest().hex() + "/evidence-v1/7/"
                        + file.digest().hex() + ".safetensors");
        byte[] content = bytes(file);
        assertThat(Digest.of(content)).isEqualTo(file.digest());
        assertThat(content).hasSize((int) file.sizeBytes());
        RoutingPart part = file.routingPart();
        byte[] beginning = Arrays.copyOf(content, (int) part.sizeBytes());
        assertThat(part.digest()).isEqualTo(Digest.of(beginning));
        Path cut = Files.write(dir.resolve("beginning.safetensors"), beginning);
        assertThat(CalibrationFile.readBaselines(cut)).hasSize(12);
        assertThat(CalibrationFile.readFrames(cut)).hasSize(2);
        Path copy = Files.write(dir.resolve("calibration.safetensors"), content);
        BaseCalibration calibration = CalibrationFile.read(copy, CalibrationFile.points(copy));
        assertThat(calibration.baseDigest()).isEqualTo(base.ref().digest().toString());
        assertThat(calibration.points().keySet()).containsExactlyElementsOf(ProbePoints.all(3));
        assertThat(calibration.requests().fit()).hasSize(16);
        assertThat(phases).containsExactly(CalibrationProgress.Phase.values());
    }

    @Test
    void doing_it_twice_gives_the_same_bytes_and_another_seed_others() throws IOException {
        base.storedIn(store);
        CalibrationRef first = ((Computed) calibrate(base.requested(1, 1))).file();
        byte[] bytes = bytes(first);
        store.delete(new ObjectKey(first.key()));

        assertThat(((Computed) calibrate(base.requested(2, 1))).file()).isEqualTo(first);
        assertThat(bytes(first)).isEqualTo(bytes);
        assertThat(((Computed) calibrate(base.requested(3, 2))).file().digest()).isNotEqualTo(first.digest());
        assertThat(store.list("calibrations/")).hasSize(2);
    }

    @Test
    void
            a_calibration_that_is_there_is_found_without_the_base_model_and_where_it_is_damaged_or_another_file_it_is_made_anew()
                    throws IOException {
        base.storedIn(store);
        Computed computed = (Computed) calibrate(base.requested(1, 1));
        byte[] good = bytes(computed.file());
        store.list("blobs/").forEach(info -> store.delete(info.key()));
        assertThat(calibrate(base.requested(2, 1))).isEqualTo(computed);

        byte[] damaged = good.clone();
        damaged[good.length / 2] ^= 1;
        store.put(new ObjectKey(computed.file().key()), new ByteArrayInputStream(damaged), damaged.length);
        byte[] other = {1, 2, 3};
        store.put(
                ObjectKey.calibration(
                        base.ref().digest().hex(),
                        "evidence-v1",
                        1,
                        Digest.of(other).hex()),
                new ByteArrayInputStream(other),
                other.length);
        base.storedIn(store);
        assertThat(calibrate(base.requested(3, 1))).isEqualTo(computed);
        assertThat(bytes(computed.file())).isEqualTo(good);
    }

    @Test
    void weights_up_to_the_limit_are_held_and_one_byte_more_is_not() {
        base.storedIn(store);
        Failed failed =
                (Failed) calibrate(TinyBase.held(store, workDir, base.weightsBytes() - 1), base.requested(1, 1));
        assertThat(failed.code()).isEqualTo(FailureCode.BASE_MODEL_TOO_LARGE);
        assertThat(failed.message()).contains(Long.toString(base.weightsBytes()), "quiver.worker.base.size-max");
        HeldBase justEnough = TinyBase.held(store, workDir, base.weightsBytes());
        assertThat(calibrate(justEnough, base.requested(1, 1))).isInstanceOf(Computed.class);
        justEnough.close();
    }

    @Test
    void a_model_that_the_decoder_does_not_know_fails_by_name() {
        TinyBase unknown = base.configured("\"model_type\": \"llama\"", "\"model_type\": \"mamba\"")
                .storedIn(store);
        Failed failed = (Failed) calibrate(unknown.requested(1, 1));
        assertThat(failed.code()).isEqualTo(FailureCode.BASE_MODEL_UNSUPPORTED);
        assertThat(failed.message()).contains("mamba");
    }

    @Test
    void a_machine_that_can_run_no_model_says_so() {
        base.storedIn(store);
        HeldBase nowhere = new HeldBase(
                new FetchBase(store, workDir, ENOUGH_BYTES),
                folder -> {
                    throw new DecoderUnavailableException("there is no libtorch for this machine", new Error());
                },
                Duration.ZERO);
        Failed failed = (Failed) calibrate(nowhere, base.requested(1, 1));
        assertThat(failed.code()).isEqualTo(FailureCode.DECODER_UNAVAILABLE);
        assertThat(failed.message()).contains("no libtorch");
        nowhere.close();
    }

    @Test
    void files_that_are_not_the_registered_ones_fail_and_missing_ones_are_worth_another_attempt() {
        base.storedIn(store);
        List<StoredFile> files = base.stored();
        BaseModelCalibrationRequested whole = base.requested(1, 1);
        BaseModelCalibrationRequested half = new BaseModelCalibrationRequested(
                whole.base(), files.subList(1, files.size()), 1, 1, whole.requestedAt());
        assertThat(((Failed) calibrate(half)).code()).isEqualTo(FailureCode.DIGEST_MISMATCH);
        List<StoredFile> renamed = files.stream()
                .map(file -> new StoredFile("../" + file.name(), file.digest(), file.sizeBytes()))
                .toList();
        assertThat(((Failed) calibrate(
                                new BaseModelCalibrationRequested(whole.base(), renamed, 1, 1, whole.requestedAt())))
                        .code())
                .isEqualTo(FailureCode.DIGEST_MISMATCH);

        ObjectKey weights =
                ObjectKey.blob(Digest.of(base.files().get("model.safetensors")).hex());
        byte[] flipped = base.files().get("model.safetensors").clone();
        flipped[flipped.length - 1] ^= 1;
        store.put(weights, new ByteArrayInputStream(flipped), flipped.length);
        assertThat(((Failed) calibrate(whole)).code()).isEqualTo(FailureCode.DIGEST_MISMATCH);
        store.delete(weights);
        assertThatExceptionOfType(ObjectNotFoundException.class).isThrownBy(() -> calibrate(whole));
    }

    @Test
    void a_worker_that_stops_breaks_the_work_off() {
        base.storedIn(store);
        assertThatThrownBy(() -> new CalibrateBaseModel(store, workDir, held, TinyBase::few, STANDING)
                        .calibrate(base.requested(1, 1), (phase, done, total) -> held.stop()))
                .isInstanceOf(WorkerStopsException.class);
        assertThatThrownBy(() -> calibrate(base.requested(1, 1))).isInstanceOf(WorkerStopsException.class);
        assertThat(store.list("calibrations/")).isEmpty();
    }

    @Test
    void a_base_model_is_given_back_when_nobody_has_used_it_for_a_while() {
        base.storedIn(store);
        int opened = held.use(
                base.ref(), base.stored(), open -> open.decoder().config().layers());
        assertThat(opened).isEqualTo(3);
        await().atMost(Duration.ofSeconds(10)).untilAsserted(WORKER::requireNothingLeft);
        assertThat(held.<Integer>use(base.ref(), base.stored(), open -> 1)).isEqualTo(1);
    }

    private static byte[] bytes(CalibrationRef file) throws IOException {
        return WORKER.bytes(file.key());
    }
}
