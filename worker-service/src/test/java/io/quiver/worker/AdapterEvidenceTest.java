package io.quiver.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.lora.arrow.PrototypeFile;
import io.quiver.lora.evidence.AdapterCalibration;
import io.quiver.lora.evidence.CalibrateAdapter;
import io.quiver.lora.evidence.CalibrationFile;
import io.quiver.lora.evidence.ExampleCentroids;
import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.LoraAdapter;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.schemas.CalibrationEvent.AdapterCalibrationRequested;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event.AdapterUploaded;
import io.quiver.schemas.EvidenceReport;
import io.quiver.schemas.StoredFile;
import io.quiver.worker.PrototypeOutcome.Computed;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** An adapter's evidence against the calibration of its real, tiny base model, with and without examples. */
class AdapterEvidenceTest {
    private static final Clock STANDING = Clock.fixed(Instant.parse("2026-11-22T10:00:00Z"), ZoneOffset.UTC);
    private static final long ENOUGH_BYTES = 1 << 26;
    private static final TinyBase BASE = TinyBase.saved();

    @RegisterExtension
    static final WorkerStore WORKER = new WorkerStore();

    private static ObjectStore store;
    private static Path workDir;

    @TempDir
    Path dir;

    private static CalibrationRef calibration;

    private final HeldBase heldBase = TinyBase.held(store, workDir, ENOUGH_BYTES);
    private final HeldCalibration heldCalibration = new HeldCalibration(store, workDir, ENOUGH_BYTES);
    private final ComputeAdapterPrototypes compute = new ComputeAdapterPrototypes(
            store,
            workDir,
            ENOUGH_BYTES,
            new MeasureEvidence(store, workDir, heldCalibration, heldBase, STANDING),
            STANDING);

    @BeforeAll
    static void calibrate_the_base() {
        store = WORKER.store();
        workDir = WORKER.workDir();
        BASE.storedIn(store);
        calibration = BASE.calibrated(store, workDir, 1);
    }

    @BeforeEach
    void no_prototypes() {
        store.list("prototypes/").forEach(info -> store.delete(info.key()));
    }

    @AfterEach
    void give_back_what_is_held() {
        heldCalibration.close();
        heldBase.close();
    }

    private static StoredFile examples(String... prompts) {
        byte[] file = List.of(prompts).stream()
                .map(prompt -> "{\"prompt\": \"" + prompt + "\"}\n")
                .collect(Collectors.joining())
                .getBytes(StandardCharsets.UTF_8);
        store.put(ObjectKey.blob(Digest.of(file).hex()), new ByteArrayInputStream(file), file.length);
        return new StoredFile("examples.jsonl", Digest.of(file), file.length);
    }

    private static AdapterUploaded uploaded(
            UploadedAdapter adapter, CalibrationRef calibration, @Nullable StoredFile examples) {
        AdapterUploaded alone = adapter.storedIn(store).uploadedAs("ns/a", 1);
        return new AdapterUploaded(
                alone.adapter(),
                1,
                alone.digest(),
                BASE.ref(),
                alone.files(),
                alone.uploadedAt(),
                calibration,
                examples,
                examples == null ? null : BASE.stored());
    }

    @Test
    void an_upload_to_a_calibrated_base_gets_its_evidence_beside_its_prototypes() throws IOException {
        UploadedAdapter adapter = UploadedAdapter.saved("r1-qv");
        AdapterUploaded uploaded = uploaded(adapter, calibration, null);

        Computed computed = (Computed) compute.compute(uploaded);

        assertThat(computed.evidence()).isEqualTo(EvidenceReport.carried(calibration.digest(), 0));
        assertThat(computed.file().key())
                .isEqualTo("prototypes/" + uploaded.digest().hex() + "/arrow-v1/"
                        + calibration.digest().hex() + ".safetensors");
        assertThat(computed.moduleCount()).isEqualTo(6);
        PrototypeFile file = read(computed);
        assertThat(file.prototypes()).hasSize(6);
        assertThat(file.examples()).isEmpty();
        // The same as measuring it here.
        Path copy = Files.write(dir.resolve("calibration"), bytes(new ObjectKey(calibration.key())));
        Path folder = Files.createDirectory(dir.resolve("adapter"));
        Files.write(folder.resolve(LoraAdapter.CONFIG_FILE), adapter.config());
        Files.write(folder.resolve(LoraAdapter.WEIGHTS_FILE), adapter.weights());
        try (LoraAdapter opened = LoraAdapter.open(folder, AdapterLimits.DEFAULT)) {
            AdapterCalibration.Calibrated expected = (AdapterCalibration.Calibrated) new CalibrateAdapter(
                            CalibrationFile.read(copy, CalibrationFile.points(copy)),
                            calibration.digest().toString())
                    .calibrate(opened);
            assertThat(file.evidence().orElseThrow().calibrationDigest())
                    .isEqualTo(calibration.digest().toString());
            assertThat(file.evidence().orElseThrow().memories())
                    .isEqualTo(expected.evidence().memories());
            assertThat(file.evidence().orElseThrow().outside())
                    .isEqualTo(expected.evidence().outside());
        }
    }

    @Test
    void completing_a_version_gives_the_file_that_the_upload_would_have_given_and_leaves_the_old_one_alone()
            throws IOException {
        UploadedAdapter adapter = UploadedAdapter.saved("r8-bf16");
        AdapterUploaded before = adapter.storedIn(store).uploadedAs("ns/a", 1);
        Computed arrowAlone = (Computed) compute.compute(before);
        byte[] oldBytes = bytes(new ObjectKey(arrowAlone.file().key()));
        Computed atUpload = (Computed) compute.compute(uploaded(adapter, calibration, null));
        byte[] newBytes = bytes(new ObjectKey(atUpload.file().key()));
        store.delete(new ObjectKey(atUpload.file().key()));

        AdapterCalibrationRequested requested = new AdapterCalibrationRequested(
                before.adapter(),
                1,
                before.digest(),
                BASE.ref(),
                before.files(),
                calibration,
                null,
                null,
                before.uploadedAt());
        assertThat(compute.compute(requested)).isEqualTo(atUpload);
        assertThat(bytes(new ObjectKey(atUpload.file().key()))).isEqualTo(newBytes);
        assertThat(bytes(new ObjectKey(arrowAlone.file().key()))).isEqualTo(oldBytes);
        // Found again, without the adapter's weights.
        store.delete(UploadedAdapter.blob(adapter.weights()));
        assertThat(compute.compute(requested)).isEqualTo(atUpload);
        assertThat(compute.compute(before)).isEqualTo(arrowAlone);
    }

    @Test
    void examples_are_read_by_the_base_and_their_centroids_lie_in_the_file() throws IOException {
        AdapterUploaded uploaded =
                uploaded(UploadedAdapter.saved("r1-qv"), calibration, examples("one", "two", "three", "four", "five"));
        Computed computed = (Computed) compute.compute(uploaded);
        assertThat(computed.evidence()).isEqualTo(EvidenceReport.carried(calibration.digest(), 5));
        assertThat(computed.file().key())
                .endsWith(calibration.digest().hex() + "-"
                        + uploaded.examples().digest().hex() + ".safetensors");
        byte[] bytes = bytes(new ObjectKey(computed.file().key()));
        Optional<ExampleCentroids> centroids = read(computed).examples();
        assertThat(centroids.orElseThrow().examples()).isEqualTo(5);
        assertThat(centroids.orElseThrow().calibrationDigest())
                .isEqualTo(calibration.digest().toString());

        store.delete(new ObjectKey(computed.file().key()));
        assertThat(compute.compute(uploaded)).isEqualTo(computed);
        assertThat(bytes(new ObjectKey(computed.file().key()))).isEqualTo(bytes);
        Computed others = (Computed) compute.compute(
                uploaded(UploadedAdapter.saved("r1-qv"), calibration, examples("six", "seven", "eight", "nine")));
        assertThat(read(others).examples().orElseThrow().centroids())
                .isNotEqualTo(centroids.orElseThrow().centroids());
    }

    @Test
    void an_adapter_without_evidence_still_gets_its_prototypes_and_the_reason_is_told() {
        UploadedAdapter adapter = UploadedAdapter.saved("r4-mlp-regex");
        CalibrationRef gone = new CalibrationRef(
                calibration.algorithm(), "calibrations/gone.safetensors", Digest.of(new byte[] {9}), 9);
        requireAlone(compute.compute(uploaded(adapter, gone, null)), gone, FailureCode.CALIBRATION_UNUSABLE);
        // It reads attention_in, and so is measured there alone; but it does nothing there.
        requireAlone(
                compute.compute(uploaded(UploadedAdapter.saved("r8-bf16").withZeroB("self_attn"), calibration, null)),
                calibration,
                FailureCode.NOT_MEASURABLE);
        StoredFile tooLong = examples(
                IntStream.range(0, 4).mapToObj(i -> i + "word ".repeat(600)).toArray(String[]::new));
        requireAlone(
                compute.compute(uploaded(adapter, calibration, tooLong)), calibration, FailureCode.EXAMPLES_UNUSABLE);
        StoredFile missing = new StoredFile("examples.jsonl", Digest.of(new byte[] {8}), 8);
        requireAlone(
                compute.compute(uploaded(adapter, calibration, missing)), calibration, FailureCode.EXAMPLES_UNUSABLE);
    }

    @Test
    void a_calibration_of_another_base_model_or_beyond_the_limit_is_not_used() {
        UploadedAdapter adapter = UploadedAdapter.saved("r1-qv");
        AdapterUploaded right = uploaded(adapter, calibration, null);
        // As the registry would never send it.
        AdapterUploaded ofAnother = new AdapterUploaded(
                right.adapter(),
                1,
                right.digest(),
                adapter.uploadedAs("ns/a", 1).base(),
                right.files(),
                right.uploadedAt(),
                calibration,
                null,
                null);
        requireAlone(compute.compute(ofAnother), calibration, FailureCode.CALIBRATION_UNUSABLE);
        heldCalibration.close();
        for (long limit : new long[] {calibration.sizeBytes() - 1, calibration.sizeBytes()}) {
            try (HeldCalibration held = new HeldCalibration(store, workDir, limit)) {
                Computed computed = (Computed) new ComputeAdapterPrototypes(
                                store,
                                workDir,
                                ENOUGH_BYTES,
                                new MeasureEvidence(store, workDir, held, heldBase, STANDING),
                                STANDING)
                        .compute(right);
                assertThat(computed.evidence().failureCode() == null).isEqualTo(limit == calibration.sizeBytes());
            }
        }
    }

    private static void requireAlone(PrototypeOutcome outcome, CalibrationRef calibration, FailureCode code) {
        Computed computed = (Computed) outcome;
        assertThat(computed.file().key()).endsWith("/arrow-v1.safetensors");
        EvidenceReport report = computed.evidence();
        assertThat(report.calibration()).isEqualTo(calibration.digest());
        assertThat(report.failureCode()).isEqualTo(code.code());
        assertThat(report.failureMessage()).isNotBlank();
    }

    private PrototypeFile read(Computed computed) throws IOException {
        return PrototypeFile.read(Files.write(
                dir.resolve("read.safetensors"),
                bytes(new ObjectKey(computed.file().key()))));
    }

    private static byte[] bytes(ObjectKey key) throws IOException {
        return WORKER.bytes(key.value());
    }
}
